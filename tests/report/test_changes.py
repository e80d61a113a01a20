from secateur.report import changes
from secateur.report.changes import compare


def record(name: str, *, dense: str, pruned: str) -> dict[str, str]:
    return {"id": name, "set": "test", "reference": "a b c d", "dense": dense, "pruned": pruned}


RECORDS = [
    record("better", dense="a b", pruned="a b c d"),
    record("worse", dense="a b c d", pruned="a b c"),
    record("alike", dense="a  b", pruned="a b"),
    record("same", dense="a b c x", pruned="a b c y"),
    record("worst", dense="a b c d", pruned=""),
]


def test_the_worst_comes_first():
    assert [one.name for one in compare(RECORDS).shown] == ["worst", "worse", "same", "better"]


def test_every_utterance_is_counted_once():
    found = compare(RECORDS)
    assert (found.worse, found.better, found.same, found.unchanged) == (2, 1, 1, 1)


def test_ties_are_broken_by_name_whatever_the_order_of_the_file():
    twins = [record(name, dense="a b c d", pruned="a b c") for name in ("one", "two", "three")]
    assert compare(twins).shown == compare(twins[::-1]).shown


def test_what_is_not_shown_is_counted(monkeypatch):
    monkeypatch.setattr(changes, "MAX_SHOWN", 1)
    found = compare(RECORDS)
    assert (len(found.shown), found.rest) == (1, 3)


def test_a_record_without_its_texts_is_skipped():
    found = compare([{"reference": "a", "dense": "a"}, {"reference": 1, "dense": "a", "pruned": "b"}])
    assert (found.skipped, found.changed) == (2, 0)


def test_an_utterance_without_an_id_goes_by_its_audio():
    (found,) = compare([{"audio_filepath": "x.wav", "reference": "a", "dense": "a", "pruned": "b"}]).shown
    assert found.name == "x.wav"
