from pathlib import Path

import pytest

from secateur.cli.common import writable
from secateur.errors import RequestError


def test_a_new_file_and_one_that_exists_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert writable(tmp_path / "a.json") == tmp_path / "a.json"
    (tmp_path / "b.json").touch()
    assert writable(Path("b.json")) == Path("b.json")
    assert writable(Path("new.json")) == Path("new.json")
    assert writable(None) is None


def test_other_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="lies in a folder that does not exist; choose another name"):
        writable(tmp_path / "none" / "a.json")
    with pytest.raises(RequestError, match="is a folder"):
        writable(tmp_path)
