import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

pytest.importorskip("espeakng_loader", reason="needs the extra `demo`")

from secateur.data.demo import corpus as module
from secateur.data.demo.corpus import SETTINGS_FILE, Corpus, make
from secateur.data.demo.grammar import split_of
from secateur.data.demo.voices import VOICES
from secateur.errors import DataError

SIZES = {"train": 10, "valid": 3, "test": 4}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make(tmp_path_factory.mktemp("corpora") / "made", **SIZES)


def lines(corpus: Corpus, split: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (corpus.folder / f"{split}.jsonl").read_text().splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_line_describes_its_file(made: Corpus):
    for split, count in SIZES.items():
        assert made.count(split) == len(lines(made, split)) == count
        for line in lines(made, split):
            assert list(line) == ["audio_filepath", "duration", "text", "speaker"]
            info = soundfile.info(made.manifest(split).parent / line["audio_filepath"])
            assert (info.samplerate, info.channels, info.subtype, info.format) == (16_000, 1, "PCM_16", "FLAC")
            assert line["duration"] == info.frames / 16_000
            assert 1.0 < line["duration"] < 5.0


def test_every_audio_file_is_in_a_manifest(made: Corpus):
    listed = {line["audio_filepath"] for split in SIZES for line in lines(made, split)}
    assert listed == {name for name in contents(made.folder) if name.endswith(".flac")}


def test_sentences_and_speakers_keep_to_their_split(made: Corpus):
    for split in SIZES:
        assert {split_of(line["text"]) for line in lines(made, split)} == {split}
        assert {line["speaker"] for line in lines(made, split)} <= {voice.name for voice in VOICES[split]}
    assert len({line["speaker"] for line in lines(made, "train")}) == SIZES["train"]  # they take turns


def test_nothing_clips_and_nothing_is_silent(made: Corpus):
    for name in (name for name in contents(made.folder) if name.endswith(".flac")):
        samples, _ = soundfile.read(made.folder / name)
        assert 0.05 < abs(samples).max() < 0.95


def test_the_same_settings_give_the_same_bytes_and_another_seed_others(made: Corpus, tmp_path: Path):
    again = contents(make(tmp_path / "again", **SIZES).folder)
    assert again == contents(made.folder)
    other = contents(make(tmp_path / "other", seed=1, **SIZES).folder)
    assert other.keys() == again.keys()
    assert all(other[name] != data for name, data in again.items())


def test_a_larger_corpus_begins_with_the_smaller(made: Corpus, tmp_path: Path):
    larger = make(tmp_path / "larger", train=12, valid=0, test=0)
    assert lines(larger, "train")[: SIZES["train"]] == lines(made, "train")
    assert made.manifest("train").read_bytes() in larger.manifest("train").read_bytes()
    assert larger.manifest("valid").read_bytes() == b""


def watch(monkeypatch: pytest.MonkeyPatch, told: Callable[[int, int], None]) -> None:
    """Call `told` with the utterances of a split that are made and wanted, behind each one."""

    def watched(items: Iterable[Any], what: str, *, total: int) -> Iterator[Any]:
        for done, item in enumerate(items, start=1):
            yield item
            told(done, total)

    monkeypatch.setattr(module, "counted", watched)


def test_every_utterance_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[int, int]] = []
    watch(monkeypatch, lambda done, total: seen.append((done, total)))
    make(tmp_path / "new", train=2, valid=1, test=1)
    assert seen == [(1, 2), (2, 2), (1, 1), (1, 1)]


def test_a_complete_corpus_is_taken_as_it_is(made: Corpus, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "speak", None)  # speaking again would fail
    assert make(made.folder, **SIZES) == made


def test_another_corpus_is_not_overwritten(made: Corpus):
    before = contents(made.folder)
    with pytest.raises(DataError, match="`folder` must be new, empty, or hold a demo corpus of the same settings"):
        make(made.folder, seed=1, **SIZES)
    assert contents(made.folder) == before


@pytest.mark.parametrize("settings", [None, "", "{", "[]", "{}"])
def test_a_folder_without_whole_settings_is_no_corpus(tmp_path: Path, settings: str | None):
    (tmp_path / "train.jsonl").write_text("")
    if settings is not None:
        (tmp_path / SETTINGS_FILE).write_text(settings)
    with pytest.raises(DataError, match="holds something else; remove it or name another"):
        make(tmp_path, train=1, valid=0, test=0)


def test_a_file_in_the_way_is_refused(tmp_path: Path):
    (tmp_path / "corpus").write_text("mine")
    with pytest.raises(DataError, match="holds something else"):
        make(tmp_path / "corpus", train=1, valid=0, test=0)


def test_an_empty_folder_and_missing_parents_will_do(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "a" / "b" / "c"):
        assert (make(folder, train=1, valid=0, test=0).folder / SETTINGS_FILE).is_file()


def test_an_interrupted_corpus_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    watch(monkeypatch, stop)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "corpus", train=3, valid=0, test=0)
    assert list(tmp_path.iterdir()) == []


def test_of_two_that_make_the_same_corpus_the_first_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sizes = {"train": 2, "valid": 0, "test": 0}

    def overtake(done: int, total: int) -> None:
        if done == total:
            monkeypatch.undo()
            make(tmp_path / "corpus", **sizes)
            (tmp_path / "corpus" / "first").touch()

    watch(monkeypatch, overtake)
    make(tmp_path / "corpus", **sizes)
    assert (tmp_path / "corpus" / "first").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_a_corpus_of_other_settings_that_came_first_is_kept_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def overtake(done: int, total: int) -> None:
        if done == total:
            monkeypatch.undo()
            make(tmp_path / "corpus", train=1, valid=0, test=0)

    watch(monkeypatch, overtake)
    with pytest.raises(DataError, match="holds something else"):
        make(tmp_path / "corpus", train=2, valid=0, test=0)
    assert len((tmp_path / "corpus" / "train.jsonl").read_text().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


@pytest.mark.parametrize("name", ["seed", "train", "valid", "test"])
def test_negative_numbers_are_refused_before_any_work(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=f"`{name}` must be 0 or more, but is -1"):
        make(tmp_path / "corpus", **({**SIZES, name: -1}))
    assert list(tmp_path.iterdir()) == []
