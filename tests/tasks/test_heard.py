import json
from pathlib import Path

from secateur.evaluation import NORMALIZER_NAME, word_errors
from secateur.tasks.heard import Heard, listen, write_transcripts
from secateur.tasks.speech import evaluated
from speech import TEXTS, processor, recognizer, write_manifest

ONE = (["yes", "go on now"], ["yes", "go now"])
TWO = (["stop it"], ["top it please"])


def heard(**sets: tuple[list[str], list[str]]) -> Heard:
    return Heard(
        {name: hypotheses for name, (_, hypotheses) in sets.items()},
        {name: word_errors(references, hypotheses) for name, (references, hypotheses) in sets.items()},
    )


def test_listening_is_transcribing_every_set(tmp_path: Path) -> None:
    sets = evaluated({"a": (str(write_manifest(tmp_path / "a.jsonl")),)}, processor())
    found = listen(recognizer(seed=1), processor(), sets)
    assert len(found.hypotheses["a"]) == 8
    assert found.errors["a"].wer == word_errors(TEXTS, found.hypotheses["a"]).wer


def test_accuracy_pools_the_words_of_all_sets() -> None:
    found = heard(one=ONE, two=TWO).measures()
    assert (found["wer"], found["words"], found["utterances"]) == (
        3 / 6,
        6,
        3,
    )  # 1 deletion; 1 substitution, 1 insertion
    assert (found["sets"]["one"]["wer"], found["sets"]["two"]["wer"]) == (1 / 4, 2 / 2)


def test_a_single_set_is_not_repeated_and_no_set_gives_nothing() -> None:
    assert "sets" not in heard(one=ONE).measures()
    assert heard().measures() == {}


def test_the_normalizer_is_named_where_words_were_counted() -> None:
    assert heard(one=ONE).notes() == {"normalizer": NORMALIZER_NAME}
    assert heard().notes() == {}


def test_a_difference_is_of_the_pooled_rates() -> None:
    worse = heard(one=(ONE[0], ["no", "go"]))
    assert worse.compared(heard(one=ONE))["wer_difference"] == 3 / 4 - 1 / 4
    assert heard().compared(heard()) == {}


def test_transcripts_hold_what_each_model_heard(tmp_path: Path) -> None:
    sets = evaluated({"a": (str(write_manifest(tmp_path / "a.jsonl", ["Yes", "no"])),)}, processor())
    errors = word_errors(["yes", "no"], ["yes", "no"])
    models = {"dense": Heard({"a": ["yes", "No!"]}, {"a": errors}), "pruned": Heard({"a": ["", "no"]}, {"a": errors})}
    write_transcripts(tmp_path / "t.jsonl", sets, models)
    first, second = map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())
    assert first == {
        "set": "a",
        "id": "a/0.wav",
        "audio_filepath": str(tmp_path / "a" / "0.wav"),
        "reference": "yes",
        "dense": "yes",
        "pruned": "",
    }
    assert (second["dense"], second["pruned"]) == ("no", "no")
