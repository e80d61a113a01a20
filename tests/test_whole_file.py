from pathlib import Path

import pytest

from secateur.whole_file import whole_file


def test_a_file_takes_the_place_of_the_old_one_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with whole_file(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_its_folder_is_made(tmp_path: Path) -> None:
    with whole_file(tmp_path / "new" / "folder" / "file.txt") as part:
        part.write_text("new")
    assert (tmp_path / "new" / "folder" / "file.txt").read_text() == "new"


def write_half(path: Path) -> None:
    with whole_file(path) as part:
        part.write_text("half")
        raise KeyboardInterrupt


def test_of_what_fails_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
