import json
import math
from pathlib import Path

import pytest

from secateur.data.manifest import MAX_LINE_BYTES, MAX_SECONDS, read, read_all
from secateur.errors import DataError

GOOD = {"audio_filepath": "a.wav", "text": "yes", "duration": 1.5}


def written(folder: Path, *lines: str, name: str = "m.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_paths_are_relative_to_the_manifest_and_other_keys_are_ignored(tmp_path: Path) -> None:
    [utterance] = read(written(tmp_path, json.dumps({**GOOD, "speaker": "s", "age": None})))
    assert utterance.audio == tmp_path / "a.wav"
    assert (utterance.text, utterance.duration, utterance.offset) == ("yes", 1.5, 0.0)
    assert utterance.key == "a.wav"


def test_an_absolute_path_stays_as_it_is(tmp_path: Path) -> None:
    [utterance] = read(written(tmp_path, json.dumps({**GOOD, "audio_filepath": "/far/away.wav"})))
    assert utterance.audio == Path("/far/away.wav")


def test_an_offset_makes_the_utterance_a_part_of_its_file(tmp_path: Path) -> None:
    whole, part = read(written(tmp_path, json.dumps(GOOD), json.dumps({**GOOD, "offset": 2, "id": "x"})))
    assert (whole.whole_file, part.whole_file) == (True, False)
    assert (part.offset, part.key) == (2.0, "x")


def test_empty_lines_and_integers_for_seconds_are_taken(tmp_path: Path) -> None:
    assert [u.duration for u in read(written(tmp_path, "", json.dumps({**GOOD, "duration": 3}), " "))] == [3.0]


def test_an_utterance_may_have_no_words(tmp_path: Path) -> None:
    assert read(written(tmp_path, json.dumps({**GOOD, "text": ""})))[0].text == ""


def test_several_manifests_are_read_one_after_the_other(tmp_path: Path) -> None:
    first = written(tmp_path, json.dumps(GOOD), name="a.jsonl")
    second = written(tmp_path, json.dumps({**GOOD, "text": "no"}), name="b.jsonl")
    assert [u.text for u in read_all((str(first), str(second)))] == ["yes", "no"]


def without(key: str) -> str:
    return json.dumps({k: v for k, v in GOOD.items() if k != key})


WRONG = [
    (["{"], "line 1 of manifest"),
    ([json.dumps(GOOD), "yes"], "line 2 of manifest"),
    (["yes"], "must be a JSON object, but is not JSON"),
    (["\x80"], "must be a JSON object, but is not JSON"),
    (["[" * 100_000], "must be a JSON object, but is not JSON"),
    (["[1]"], "must be a JSON object, but is list"),
    (["x" * (MAX_LINE_BYTES + 1)], f"must be shorter than {MAX_LINE_BYTES} bytes"),
    ([], "must hold at least one utterance, but is empty"),
    (["", " "], "must hold at least one utterance, but is empty"),
    ([without("audio_filepath")], "`audio_filepath` in line 1"),
    ([without("audio_filepath")], "must be a string, but is absent"),
    ([without("text")], "`text` in line 1"),
    ([without("duration")], f"must be a number up to {MAX_SECONDS}, but is absent"),
    ([json.dumps({**GOOD, "text": None})], "must be a string, but is null"),
    ([json.dumps({**GOOD, "text": "caf\ud800"})], "must be text, but has half a character; mend it"),
    ([json.dumps({**GOOD, "text": ["yes"]})], 'must be a string, but is ["yes"]'),
    ([json.dumps({**GOOD, "duration": "1.5"})], 'must be a number up to 1000000, but is "1.5"'),
    ([json.dumps({**GOOD, "duration": True})], "must be a number up to 1000000, but is true"),
    ([json.dumps({**GOOD, "duration": 10**400})], "must be a number up to 1000000, but is 1000"),
    ([json.dumps({**GOOD, "duration": 0})], "must be positive seconds"),
    (
        [json.dumps({**GOOD, "duration": -1.0})],
        "must be positive seconds (and `offset` not negative), but they are -1.0",
    ),
    ([json.dumps({**GOOD, "duration": math.nan})], "but they are nan"),
    ([json.dumps({**GOOD, "duration": math.inf})], "but they are inf"),
    ([json.dumps({**GOOD, "offset": -0.5})], "but they are 1.5 and -0.5"),
    ([json.dumps({**GOOD, "offset": math.nan})], "but they are 1.5 and nan"),
]


@pytest.mark.parametrize(("lines", "fragment"), WRONG)
def test_a_wrong_manifest_is_refused(lines: list[str], fragment: str, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(b"".join(line.encode("latin-1") + b"\n" for line in lines))
    with pytest.raises(DataError) as caught:
        read(path)
    assert fragment in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a file of JSON lines, but there is none; check the path"):
        read(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="but there is none"):
        read(tmp_path)
