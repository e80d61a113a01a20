"""`make fuzz` reads a hundred thousand; these are the first few of them."""

import random
from pathlib import Path

from fuzz_packed import CHANGES, fuzz, mutate, original


def test_damaged_files_are_refused_in_a_sentence_or_read(tmp_path: Path, capsys) -> None:
    found = fuzz(0, 300, tmp_path)
    assert set(found) == {"refused", "read"}
    assert found["refused"] > found["read"] / 4


def test_every_change_changes_something(tmp_path: Path) -> None:
    data = original(tmp_path / "w", compress=False)
    for change in CHANGES:
        copies = [bytearray(data) for _ in range(20)]
        for seed, copy in enumerate(copies):
            change(copy, 1000 + seed, random.Random(seed))
        assert any(bytes(copy) != data for copy in copies), change
    assert mutate(data, random.Random(1)) == mutate(data, random.Random(1))
