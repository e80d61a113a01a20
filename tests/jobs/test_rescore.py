from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flashlight.lib.text", reason="needs the extra `decoding`")

import tiny
from secateur.decoding import decode
from secateur.errors import DataError, ModelError, RecipeError, RequestError
from secateur.evaluation import NORMALIZER_NAME
from secateur.jobs.decoding import Decoding
from secateur.jobs.evaluate import evaluate
from secateur.jobs.plan import plan
from secateur.jobs.prune import prune
from secateur.jobs.rescore import rescored
from secateur.recipes import Rescore, recipe_from
from secateur.tasks.decoded import Recognizer, Searched, search
from secateur.tasks.heard import SpeechSet
from secateur.training import byte_pair_tokenizer, causal_lm
from speech import TEXTS, processor, real_data, save_recognizer, write_manifest
from texts import SENTENCES, SHAPE, save_language_model, text_fields, write_text

GIVEN: dict[str, Any] = {"lm_weight": 0.4, "word_bonus": 0.5, "nbest": 8}
RATES = {"wer", "wer_ci95", "cer", "utterances", "words"}
PAIRED = {"wer_difference", "wer_difference_ci95", "p_value"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("made")
    (folder / "valid").mkdir()
    return {
        "model": str(save_recognizer(folder / "one", seed=2)),
        "other": str(save_recognizer(folder / "two", seed=3)),
        "lm": str(save_language_model(folder / "lm")),
        "text": str(write_text(folder / "words.txt", TEXTS)),
        "data": str(write_manifest(folder / "test.jsonl", TEXTS[:4])),
        "valid": str(write_manifest(folder / "valid" / "valid.jsonl", TEXTS[4:])),
    }


def test_a_beam_without_a_language_model_stands_beside_greedy_and_oracle(made: dict[str, str]) -> None:
    report = evaluate(made["model"], [made["data"]], decoding=Decoding(decoder="beam", nbest=8))
    assert set(report) == RATES | {
        "model", "data", "decoder", "nbest", "oracle_wer", "greedy", "oracle", "normalizer", "seconds_of_audio",
        "device",
    }  # fmt: skip
    assert (report["decoder"], report["nbest"], report["normalizer"]) == ("beam", 8, NORMALIZER_NAME)
    assert set(report["greedy"]) == set(report["oracle"]) == RATES
    assert report["oracle_wer"] == report["oracle"]["wer"] <= report["wer"]
    assert report["greedy"] == {k: v for k, v in evaluate(made["model"], [made["data"]]).items() if k in RATES}


@pytest.mark.parametrize(("decoder", "use"), [("greedy", "rescoring"), ("beam", "fusion")])
def test_each_language_model_has_a_row_compared_with_none_and_with_the_first(
    decoder: Any, use: str, made: dict[str, str]
) -> None:
    decoding = Decoding(decoder=decoder, lms=(made["lm"], made["text"]), tune_on=(made["valid"],), nbest=8)
    report = evaluate(made["model"], [made["data"]], decoding=decoding)
    first, second = report["lms"]
    own = {"lm", "use", "lm_weight", "word_bonus", "tuned_on", "seconds_per_hypothesis", "against_no_lm"}
    assert set(first) == RATES | own
    assert set(second) == RATES | own | {"against_first_lm"}
    assert [row["lm"] for row in report["lms"]] == [made["lm"], made["text"]]
    assert all(row["use"] == use and row["tuned_on"] == [made["valid"]] for row in report["lms"])
    assert all(row["seconds_per_hypothesis"] > 0 for row in report["lms"])
    assert set(second["against_first_lm"]) == PAIRED
    for row in report["lms"]:
        assert row["against_no_lm"]["wer_difference"] == pytest.approx(row["wer"] - report["wer"])
    assert second["against_first_lm"]["wer_difference"] == pytest.approx(second["wer"] - first["wer"])


def rescoring(made: dict[str, str], folder: Path, **changed: Any) -> dict[str, Any]:
    rescore = {"recognizer": made["model"], "data": made["data"], "tune_on": made["valid"], "nbest": 8}
    fields = text_fields(folder, model=made["lm"], target={"params": 0.8}, criterion="magnitude")
    return {**fields, "granularity": ["head", "ffn_unit"], "train": {"max_steps": 0}, "rescore": {**rescore, **changed}}


def test_a_pruned_language_model_is_measured_within_a_recognizer(
    made: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secateur.jobs.measure.peak_rss_bytes", lambda folder, **_: 123_456_789)
    found = prune(recipe_from(rescoring(made, tmp_path)), tmp_path / "out")["rescored"]
    small = str(tmp_path / "out" / "model")
    decoding = Decoding(lms=(made["lm"], small), tune_on=(made["valid"],), nbest=8)
    alone = evaluate(made["model"], [made["data"]], decoding=decoding)
    for name, row in zip(("dense", "pruned"), alone["lms"], strict=True):
        assert {key: found[name][key] for key in RATES} == {key: row[key] for key in RATES}
    assert found["comparison"] == alone["lms"][1]["against_first_lm"]
    assert found["without"]["wer"] == alone["wer"]
    assert found["oracle"]["wer"] == alone["oracle_wer"]
    assert "rescored" in (tmp_path / "out" / "report.html").read_text()


def test_speech_is_searched_once_for_all_models_that_rescore_it(
    made: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[tuple[str, int]] = []

    def counting(hearer: Recognizer, s: SpeechSet, **options: Any) -> Searched:
        searches.append((s.name, hearer.nbest))
        return search(hearer, s, **options)

    monkeypatch.setattr("secateur.jobs.rescore.search", counting)
    data = str(write_manifest(tmp_path / "own.jsonl", TEXTS[:3]))
    asked = [Rescore(recognizer=made["model"], data=data, tune_on=made["valid"], nbest=nbest) for nbest in (7, 7, 5)]
    found = [rescored(one, dense=made["lm"], pruned=[made["lm"]])[0] for one in asked]
    assert searches == [(name, nbest) for nbest in (7, 5) for name in ("rescore.tune_on", "rescore.data")]
    rates = [{key: one["pruned"][key] for key in RATES} for one in found]
    assert rates[0] == rates[1]


@pytest.mark.parametrize(("decoder", "lms"), [("beam", 0), ("beam", 2), ("greedy", 2)])
def test_speech_that_is_measured_is_heard_once(
    decoder: Any, lms: int, made: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []

    def counting(model: Any, features: Any, decoders: Any, **options: Any) -> Any:
        heard.append(len(features))
        return decode(model, features, decoders, **options)

    monkeypatch.setattr("secateur.tasks.decoded.decode", counting)
    decoding = Decoding(decoder=decoder, lms=(made["lm"], made["text"])[:lms], **(GIVEN if lms else {}))
    evaluate(made["model"], [made["data"]], decoding=decoding)
    assert heard == [4]


def test_wrong_words_per_utterance_are_kept_for_whoever_asks(made: dict[str, str], tmp_path: Path) -> None:
    asked = recipe_from(rescoring(made, tmp_path)).rescore
    assert asked is not None
    [plain], [kept] = (rescored(asked, dense=made["lm"], pruned=[made["lm"]], edits=edits) for edits in (False, True))
    counts = {key: kept["pruned"][key] for key in ("word_edits", "word_counts")}
    assert not counts.keys() & plain["pruned"].keys()
    assert sum(counts["word_edits"]) / sum(counts["word_counts"]) == pytest.approx(kept["pruned"]["wer"])


def test_rescoring_that_cannot_be_is_said_before_any_work(made: dict[str, str], tmp_path: Path) -> None:
    again = str(Path(made["data"]).with_name("again.jsonl"))
    Path(again).write_text(Path(made["data"]).read_text())
    with pytest.raises(RequestError, match=r"^`rescore.tune_on` must be other speech than `rescore.data`, but 4 utter"):
        prune(recipe_from(rescoring(made, tmp_path, tune_on=again)), tmp_path / "out")
    with pytest.raises(RecipeError, match="`rescore` must be absent for a recognizer"):
        prune(recipe_from({**rescoring(made, tmp_path), "model": made["model"]}), tmp_path / "out")
    tiny.MODELS["rnnt"]().save_pretrained(tmp_path / "rnnt")
    processor().save_pretrained(tmp_path / "rnnt")
    with pytest.raises(ModelError, match=r"^`rescore.recognizer` must be a CTC model .* is a ParakeetForRNNT"):
        prune(recipe_from(rescoring(made, tmp_path, recognizer=str(tmp_path / "rnnt"))), tmp_path / "out")
    capitals = {**rescoring(made, tmp_path), "model": shouting(tmp_path / "capitals")}
    with pytest.raises(ModelError, match=r"^`model` must write with the letters of the recognizer"):
        prune(recipe_from(capitals), tmp_path / "out")
    with pytest.raises(ModelError, match=r"^`rescore.recognizer` must be a folder"):
        prune(recipe_from(rescoring(made, tmp_path, recognizer=str(tmp_path / "none"))), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["data", "tune_on"])
@pytest.mark.parametrize("fault", ["without a recording", "without words"])
def test_speech_that_cannot_be_rescored_is_said_before_any_work(
    place: str, fault: str, made: dict[str, str], tmp_path: Path
) -> None:
    texts = TEXTS[4:] if fault == "without a recording" else ("", "!")
    path = write_manifest(tmp_path / "wrong.jsonl", texts)
    if fault == "without a recording":
        next((tmp_path / "wrong").iterdir()).unlink()
    with pytest.raises(DataError, match=rf"does not exist; check|set `rescore.{place}` must hold at least one word"):
        prune(recipe_from(rescoring(made, tmp_path, **{place: str(path)})), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_plan_looks_at_rescoring_too(made: dict[str, str], tmp_path: Path) -> None:
    assert set(plan(recipe_from(rescoring(made, tmp_path)))) >= {"target", "sites"}
    with pytest.raises(ModelError, match=r"^`rescore.recognizer` must be a folder"):
        plan(recipe_from(rescoring(made, tmp_path, recognizer=str(tmp_path / "none"))))


def test_weights_that_are_given_are_not_tuned(made: dict[str, str]) -> None:
    [row] = evaluate(made["model"], [made["data"]], decoding=Decoding(lms=(made["lm"],), **GIVEN))["lms"]
    assert (row["lm_weight"], row["word_bonus"]) == (0.4, 0.5)
    assert "tuned_on" not in row


def test_without_weight_or_bonus_a_language_model_changes_nothing(made: dict[str, str]) -> None:
    silent = Decoding(lms=(made["lm"],), lm_weight=0.0, word_bonus=0.0, nbest=8)
    report = evaluate(made["model"], [made["data"]], decoding=silent)
    assert {key: report["lms"][0][key] for key in RATES} == {key: report[key] for key in RATES}
    assert report["lms"][0]["against_no_lm"]["p_value"] == 1.0


def test_two_recognizers_are_compared_with_and_without_language_models(made: dict[str, str]) -> None:
    decoding = Decoding(lms=(made["lm"],), **GIVEN)
    report = evaluate(made["model"], [made["data"]], against=made["other"], decoding=decoding)
    other = evaluate(made["other"], [made["data"]], decoding=decoding)
    assert report["against"]["wer"] == other["wer"]
    assert report["comparison"]["wer_difference"] == pytest.approx(report["wer"] - other["wer"])
    row, others = report["lms"][0], report["against"]["lms"][0]
    assert row["against"]["wer_difference"] == pytest.approx(row["wer"] - others["wer"])


def test_several_sets_are_measured_together_and_apart(made: dict[str, str]) -> None:
    decoding = Decoding(lms=(made["lm"],), **GIVEN)
    report = evaluate(made["model"], [made["data"], made["valid"]], decoding=decoding)
    for row in (report, report["greedy"], report["oracle"], report["lms"][0]):
        assert set(row["sets"]) == {"test", "valid"}
        edits = sum(rates["wer"] * rates["words"] for rates in row["sets"].values())
        assert row["wer"] == pytest.approx(edits / row["words"])


def shouting(folder: Path) -> str:
    tokenizer = byte_pair_tokenizer([sentence.upper() for sentence in SENTENCES] * 3, vocabulary=300)
    causal_lm(tokenizer, **SHAPE).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_a_language_model_of_another_alphabet_is_refused(made: dict[str, str], tmp_path: Path) -> None:
    decoding = Decoding(lms=(shouting(tmp_path / "lm"),), **GIVEN)
    with pytest.raises(ModelError, match=r"`--lm` must write with the letters of the recognizer .*lower case, NFC"):
        evaluate(made["model"], [made["data"]], decoding=decoding)


def test_a_recognizers_tokenizer_must_fit_it(made: dict[str, str], tmp_path: Path) -> None:
    from speech import recognizer

    recognizer().save_pretrained(tmp_path / "m")
    longer = processor()
    longer.tokenizer.add_tokens(["xyzzy"])
    longer.save_pretrained(tmp_path / "m")
    with pytest.raises(ModelError, match=r"each of the model's 30 outputs, but has 1 more .'xyzzy'"):
        evaluate(str(tmp_path / "m"), [made["data"]], decoding=Decoding(decoder="beam"))


@pytest.mark.parametrize("same", ["file", "speech"])
def test_what_is_measured_may_not_be_tuned_on(same: str, made: dict[str, str]) -> None:
    shared = made["data"]
    if same == "speech":  # another manifest with a line in common
        lines = [Path(made[name]).read_text().splitlines() for name in ("data", "valid")]
        shared = str(Path(made["data"]).with_name("mixed.jsonl"))
        Path(shared).write_text(f"{lines[0][0]}\n")
    decoding = Decoding(lms=(made["lm"],), tune_on=(shared,))
    with pytest.raises(RequestError, match=r"`--tune-on` must be other speech than `--data`, but [14] utterances of"):
        evaluate(made["model"], [made["data"]], decoding=decoding)


def test_models_are_named_by_their_options(made: dict[str, str], tmp_path: Path) -> None:
    none, given = str(tmp_path / "none"), Decoding(lms=(made["lm"],), **GIVEN)
    with pytest.raises(ModelError, match=r"^`--lm` must be a folder"):
        evaluate(made["model"], [made["data"]], decoding=Decoding(lms=(none,), **GIVEN))
    with pytest.raises(ModelError, match=r"^`--lm` must be a language model of a known family"):
        evaluate(made["model"], [made["data"]], decoding=Decoding(lms=(made["model"],), **GIVEN))
    with pytest.raises(ModelError, match=r"^`--against` must be a folder"):
        evaluate(made["model"], [made["data"]], against=none, decoding=given)
    with pytest.raises(ModelError, match=r"^`MODEL` must be a folder"):
        evaluate(none, [made["data"]], decoding=given)
    silent = str(write_manifest(tmp_path / "silent.jsonl", ("", "")))
    with pytest.raises(DataError, match="the set `--tune-on` must hold at least one word"):
        evaluate(made["model"], [made["data"]], decoding=Decoding(lms=(made["lm"],), tune_on=(silent,)))


def test_a_language_model_is_not_decoded(made: dict[str, str]) -> None:
    with pytest.raises(ModelError, match="`MODEL` must be a recognizer for `--decoder beam` and `--lm`"):
        evaluate(made["lm"], [made["text"]], decoding=Decoding(decoder="beam"))


@pytest.mark.slow
def test_real_speech_is_heard_better_with_the_n_gram_of_its_transcripts(tmp_path: Path) -> None:
    import json

    an4 = real_data() / "an4"
    train = [json.loads(line)["text"] for line in (an4 / "train.jsonl").read_text().splitlines()]
    text = write_text(tmp_path / "train.txt", tuple(train))
    reports = {
        decoder: evaluate(
            str(real_data() / "models" / "parakeet-ctc-an4-digits"),
            [str(an4 / "test.jsonl")],
            decoding=Decoding(decoder=decoder, lms=(str(text),), tune_on=(str(an4 / "dev.jsonl"),)),
        )
        for decoder in ("greedy", "beam")
    }
    for report in reports.values():
        assert report["oracle_wer"] < report["lms"][0]["wer"] < report["wer"] <= report["greedy"]["wer"]
    assert reports["beam"]["lms"][0]["wer"] <= reports["greedy"]["lms"][0]["wer"]
