import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCTC

from secateur.checkpoint.quantized import quantizable, quantize_rows
from secateur.criteria import CRITERIA
from secateur.decoding import transcribe
from secateur.errors import DataError, DivergedError, ModelError, RecipeError, RequestError, TargetError
from secateur.evaluation import NORMALIZER_NAME, normalize
from secateur.granularity import GRANULARITIES
from secateur.jobs.prune import prune
from secateur.recipes import load, recipe_from
from secateur.recipes.names import ZEROED
from secateur.tasks.models import load_recognizer
from secateur.tasks.speech import evaluated
from speech import (
    FEW,
    TEXTS,
    fields,
    processor,
    real_data,
    save_recognizer,
    spoil,
    stopping,
    write_audio,
    write_manifest,
)

TRAIN = {"max_steps": 6, "learning_rate": 1e-3, "logging_steps": 2}


def pruned(folder: Path, out: str = "out", *, options: dict[str, bool] | None = None, **changed: Any) -> dict[str, Any]:
    return prune(recipe_from(fields(folder, **changed)), folder / out, **(options or {}))


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Latency, words and the page are most of the time, and not what every test is about."""
    monkeypatch.setattr("secateur.jobs.artefact._measured", lambda *_: {})
    monkeypatch.setattr("secateur.jobs.artefact.render", lambda *_: None)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def sets(folder: Path) -> dict[str, str]:
    write_manifest(folder / "valid.jsonl", TEXTS[3:5])
    return {part: str(folder / f"{part}.jsonl") for part in ("train", "valid", "test")}


def every_value(tree: Any) -> list[Any]:
    """All that a report says, but for the recipe: there, null switches something off."""
    if isinstance(tree, dict):
        return [value for key, branch in tree.items() if key != "recipe" for value in every_value(branch)]
    if isinstance(tree, list):
        return [value for branch in tree for value in every_value(branch)]
    return [tree]


MEASURES = {
    "params", "nonzero_params", "bytes", "compressed_bytes", "macs_per_audio_second", "latency", "latencies", "rtf",
    "peak_rss_bytes",
}  # fmt: skip
RATES = {"wer", "wer_ci95", "cer", "utterances", "words"}
KEYS = {
    "schema", "secateur", "command", "seed", "device", "recipe", "target", "dense", "pruned", "comparison", "seconds",
}  # fmt: skip
CHANGES = {"params", "bytes", "macs", "speedup", "speedups"}
DIFFERENCE = {"wer_difference", "wer_difference_ci95", "p_value"}


def test_a_trained_run_leaves_exactly_what_the_contract_names(tmp_path: Path) -> None:
    fields(tmp_path)
    report = pruned(tmp_path, criterion="taylor", train=TRAIN, data=sets(tmp_path))
    out = tmp_path / "out"
    assert names(out) == {
        "recipe.yaml", "plan.json", "model", "report.json", "report.html", "log.jsonl", "transcripts.jsonl",
        "checkpoints",
    }  # fmt: skip
    assert json.loads((out / "report.json").read_text()) == report
    assert set(report) == KEYS | {"normalizer"}
    assert set(report["dense"]) == set(report["pruned"]) == MEASURES | RATES
    assert set(report["comparison"]) == CHANGES | DIFFERENCE
    assert set(report["target"]) >= {"unit", "kept", "of", "reached"}
    assert set(report["seconds"]) == {"train", "evaluate"}
    assert report["normalizer"] == NORMALIZER_NAME
    assert None not in every_value(report)
    assert (report["schema"], report["seed"], report["pruned"]["words"]) == (1, 0, 4)
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert any("loss" in line for line in lines)
    assert any("valid_wer" in line for line in lines)


@pytest.mark.parametrize("method", ["scheduled", "compressed_sensing"])
def test_a_sparsity_of_nothing_leaves_everything(tmp_path: Path, unmeasured: None, method: str) -> None:
    report = pruned(tmp_path, method=method, granularity="element", target={"sparsity": 0.0}, train=TRAIN)
    assert report["target"]["reached"] == 1.0


def test_the_last_good_state_of_a_model_in_ranks_can_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, after=4)
    with pytest.raises(DivergedError):
        pruned(tmp_path, method="low_rank", granularity="rank", train=TRAIN)
    assert load_recognizer(str(tmp_path / "out" / "checkpoints" / "last-good"))


@pytest.mark.usefixtures("unmeasured")
def test_the_recipe_as_resolved_runs_it_again(tmp_path: Path) -> None:
    first = pruned(tmp_path)
    again = load(tmp_path / "out" / "recipe.yaml", verb="prune")
    assert again == recipe_from(fields(tmp_path))
    assert prune(again, tmp_path / "again")["target"] == first["target"]
    weights = [(tmp_path / out / "model" / "model.safetensors").read_bytes() for out in ("out", "again")]
    assert weights[0] == weights[1]


def test_without_training_and_without_a_test_set_less_is_left(tmp_path: Path) -> None:
    report = pruned(tmp_path, data={})
    assert names(tmp_path / "out") == {"recipe.yaml", "plan.json", "model", "report.json", "report.html"}
    assert set(report) == KEYS
    assert set(report["dense"]) == set(report["pruned"]) == MEASURES
    assert set(report["comparison"]) == CHANGES
    assert None not in every_value(report)


def test_several_test_sets_are_measured_apart_too(tmp_path: Path) -> None:
    fields(tmp_path)
    test = {"a": str(tmp_path / "test.jsonl"), "b": str(tmp_path / "train.jsonl")}
    report = pruned(tmp_path, data={"test": test})
    assert set(report["pruned"]["sets"]) == {"a", "b"}
    lines = (tmp_path / "out" / "transcripts.jsonl").read_text().splitlines()
    assert {json.loads(line)["set"] for line in lines} == {"a", "b"}
    assert len(lines) == report["pruned"]["utterances"] == 11


def test_the_report_is_of_the_model_that_was_written(tmp_path: Path) -> None:
    report = pruned(tmp_path, granularity=["head", "ffn_unit", "conv_channel", "module"], target={"params": 0.6})
    model = AutoModelForCTC.from_pretrained(tmp_path / "out" / "model")
    assert sum(parameter.numel() for parameter in model.parameters()) == report["pruned"]["params"]
    assert (tmp_path / "out" / "model" / "model.safetensors").stat().st_size == report["pruned"]["bytes"]
    assert report["comparison"]["params"] == report["pruned"]["params"] / report["dense"]["params"]
    heard = transcribe(model, processor(), evaluated({"t": (str(tmp_path / "test.jsonl"),)}, processor())[0].features)
    lines = [json.loads(line) for line in (tmp_path / "out" / "transcripts.jsonl").read_text().splitlines()]
    assert [line["pruned"] for line in lines] == [normalize(text) for text in heard]
    assert [line["reference"] for line in lines] == list(TEXTS[:3])


@pytest.mark.usefixtures("unmeasured")
def test_the_plan_names_the_units_that_are_kept(tmp_path: Path) -> None:
    pruned(tmp_path)
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    model = AutoModelForCTC.from_pretrained(tmp_path / "out" / "model")
    dense = AutoModelForCTC.from_pretrained(tmp_path / "dense")
    site = next(s for s in plan["sites"] if s["name"] == "encoder.layers.1.feed_forward2:ffn_unit")
    torch.testing.assert_close(
        model.encoder.layers[1].feed_forward2.linear1.weight,
        dense.encoder.layers[1].feed_forward2.linear1.weight[site["kept"]],
    )


LINES = 90 * 8
"""Each tensor's line in the header of the weight file may lose some digits that no unit is credited with."""

CLOSE = {"params": (0.8, 2 * 16 + 1), "bytes": (0.8, 4 * (2 * 16 + 1) + LINES), "macs": (0.93, 2 * 16 * 25)}
"""A share, and what the smallest unit saves, a hidden one: a row, a bias and a column; 25 frames a second."""


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("unit", CLOSE)
def test_a_target_is_reached_and_never_exceeded(unit: str, tmp_path: Path) -> None:
    share, unit_saves = CLOSE[unit]
    units = ["ffn_unit", "conv_channel"]
    target = pruned(tmp_path, data={}, granularity=units, target={unit: share})["target"]
    assert target["kept"] == pytest.approx(share)
    assert target["wanted_absolute"] - unit_saves < target["reached_absolute"] <= target["wanted_absolute"]


@pytest.mark.usefixtures("unmeasured")
def test_an_absolute_target_is_one_too(tmp_path: Path) -> None:
    target = pruned(tmp_path, data={}, target={"params": 6000})["target"]
    assert 6000 - 33 < target["reached_absolute"] <= target["wanted_absolute"] == 6000


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_every_criterion_goes_with_every_granularity(criterion: str, granularity: str, tmp_path: Path) -> None:
    target = {"sparsity": 0.5} if granularity in ZEROED else {"params": 0.9}
    data = {"train": fields(tmp_path)["data"]["train"]}
    train = TRAIN if criterion == "movement" else {"max_steps": 0}
    report = pruned(
        tmp_path,
        method="low_rank" if granularity == "rank" else "scheduled",
        criterion=criterion,
        granularity=granularity,
        target=target,
        data=data,
        train=train,
        calibration_batches=1,
    )
    assert report["target"]["reached"] <= report["target"]["kept"]
    AutoModelForCTC.from_pretrained(tmp_path / "out" / "model")


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("allocation", ["uniform", "global_rank", "cost_aware"])
def test_every_allocation_reaches_it(allocation: str, tmp_path: Path) -> None:
    target = pruned(tmp_path, data={}, allocation=allocation, target={"params": 0.8})["target"]
    assert target["wanted_absolute"] - 33 < target["reached_absolute"] <= target["wanted_absolute"]


def counted(run: Path) -> tuple[int, int]:
    """Zeros, and weights, of the tensors that a run pruned element by element."""
    model = AutoModelForCTC.from_pretrained(run / "model")
    sites = json.loads((run / "plan.json").read_text())["sites"]
    weights = [model.get_parameter(site["name"].removesuffix(":element")) for site in sites]
    return sum(int((w == 0).sum()) for w in weights), sum(w.numel() for w in weights)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("trains", [False, True])
def test_sparsity_is_the_share_of_zeros_among_the_weights_that_may_be_pruned(trains: bool, tmp_path: Path) -> None:
    changed = {"train": TRAIN} if trains else {}
    report = pruned(tmp_path, granularity="element", target={"sparsity": 0.75}, exclude=["*subsampling*"], **changed)
    assert report["target"]["reached"] == report["target"]["kept"] == pytest.approx(0.25, abs=1e-4)
    zeros, total = counted(tmp_path / "out")
    assert zeros == round(0.75 * total)
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert sum(site["kept_count"] for site in plan["sites"]) == total - zeros


def randomised(folder: Path) -> str:
    """A recognizer as training leaves it: no parameter is exactly zero."""
    from speech import recognizer

    model = recognizer()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1e-3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    model.save_pretrained(folder)
    processor().save_pretrained(folder)
    return str(folder)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("criterion", ["magnitude", "random"])
def test_for_single_weights_parameters_are_those_that_are_not_zero_also_the_second_time(
    criterion: str, tmp_path: Path
) -> None:
    settings = {"granularity": "element", "data": {}, "criterion": criterion}
    whole, once, twice = 9074, int(0.6 * 9074), int(0.5 * int(0.6 * 9074))
    first = pruned(tmp_path, "first", model=randomised(tmp_path / "whole"), target={"params": 0.6}, **settings)
    model = str(tmp_path / "first" / "model")
    second = pruned(tmp_path, "second", model=model, target={"params": 0.5}, seed=1, **settings)
    assert (first["target"]["dense_absolute"], first["target"]["reached_absolute"]) == (whole, once)
    assert (second["target"]["dense_absolute"], second["target"]["reached_absolute"]) == (once, twice)
    small = AutoModelForCTC.from_pretrained(tmp_path / "second" / "model")
    assert sum(int((parameter != 0).sum()) for parameter in small.parameters()) == twice


@pytest.mark.usefixtures("unmeasured")
def test_sparsity_can_be_raised_and_not_lowered(tmp_path: Path) -> None:
    settings = {"granularity": "element", "data": {}}
    pruned(tmp_path, "first", target={"sparsity": 0.5}, **settings)
    model = str(tmp_path / "first" / "model")
    report = pruned(tmp_path, "second", model=model, target={"sparsity": 0.8}, criterion="random", **settings)
    assert report["target"]["reached"] == pytest.approx(0.2, abs=1e-4)
    zeros, total = counted(tmp_path / "second")
    assert zeros == round(0.8 * total)
    with pytest.raises(TargetError, match=r"must be above what the model has, 0\.5"):
        pruned(tmp_path, "third", model=model, target={"sparsity": 0.4}, **settings)


def test_a_pruned_model_can_be_pruned_again(tmp_path: Path) -> None:
    units = {"granularity": ["head", "ffn_unit", "conv_channel", "module", "layer"], "data": {}}
    first = pruned(tmp_path, "first", target={"params": 0.7}, **units)
    second = pruned(tmp_path, "second", model=str(tmp_path / "first" / "model"), target={"params": 0.7}, **units)
    assert second["dense"]["params"] == first["pruned"]["params"]
    assert second["pruned"]["params"] <= 0.7 * first["pruned"]["params"]
    model = AutoModelForCTC.from_pretrained(tmp_path / "second" / "model")
    assert sum(parameter.numel() for parameter in model.parameters()) == second["pruned"]["params"]


def test_a_model_from_the_hub_is_measured_like_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "hub" / "models--someone--something" / "snapshots" / "0123456789abcdef"
    save_recognizer(snapshot)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text(snapshot.name)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    report = pruned(tmp_path, model="someone/something", data={})
    assert report["dense"]["bytes"] == (snapshot / "model.safetensors").stat().st_size
    assert report["dense"]["peak_rss_bytes"] == 123_456_789


def test_without_bench_nothing_is_timed(tmp_path: Path) -> None:
    report = pruned(tmp_path, bench=None)
    assert (
        set(report["pruned"])
        == {"params", "nonzero_params", "bytes", "compressed_bytes", "macs_per_audio_second"} | RATES
    )
    assert set(report["comparison"]) == {"params", "bytes", "macs"} | DIFFERENCE
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.usefixtures("unmeasured")
def test_what_leaves_in_one_shot_is_not_trained(tmp_path: Path) -> None:
    report = pruned(tmp_path, schedule="one_shot", train=TRAIN, criterion="taylor", calibration_batches=2)
    trained = load_file(next((tmp_path / "out" / "checkpoints").glob("checkpoint-*")) / "model.safetensors")
    saved = load_file(tmp_path / "out" / "model" / "model.safetensors")
    assert {name: t.shape for name, t in trained.items()} == {name: t.shape for name, t in saved.items()}
    assert report["target"]["reached"] < 1.0


@pytest.mark.usefixtures("unmeasured")
def test_single_weights_that_left_in_one_shot_stay_zero_in_training(tmp_path: Path) -> None:
    settings = {"granularity": "element", "target": {"params": 0.5}}
    report = pruned(tmp_path, schedule="one_shot", train=TRAIN, criterion="magnitude", **settings)
    cut, trained = (
        load_file(tmp_path / "out" / where / "model.safetensors") for where in ("checkpoints/start", "model")
    )
    zeros = {name: tensor == 0 for name, tensor in cut.items() if tensor.dim() == 2 and "bias" not in name}
    assert all(trained[name][zero].count_nonzero() == 0 for name, zero in zeros.items())
    assert sum(int(zero.sum()) for zero in zeros.values()) > report["target"]["dense_absolute"] / 3
    assert any(not torch.equal(cut[name], trained[name]) for name in zeros)


@pytest.mark.usefixtures("unmeasured")
def test_a_one_shot_run_that_was_stopped_goes_on_to_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = {"save_strategy": "steps", "save_steps": 2, "eval_strategy": "steps", "eval_steps": 2}
    fields(tmp_path)
    settings = {
        "criterion": "taylor", "schedule": "one_shot", "data": sets(tmp_path), "train": {**TRAIN, **steps},
        "granularity": ["head", "ffn_unit", "module"],
    }  # fmt: skip
    whole = pruned(tmp_path, "whole", **settings)
    with stopping(monkeypatch, after=5):
        pruned(tmp_path, "stopped", **settings)
    assert names(tmp_path / "stopped") == {"recipe.yaml", "plan.json", "log.jsonl", "checkpoints"}
    went_on = pruned(tmp_path, "stopped", options={"resume": True}, **settings)
    for file in ("plan.json", "model/model.safetensors", "model/config.json", "recipe.yaml"):
        assert (tmp_path / "stopped" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file
    assert went_on["target"] == whole["target"]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_a_run_whose_units_come_back_goes_on_to_the_same_model_too(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = {"save_strategy": "steps", "save_steps": 2, "eval_strategy": "steps", "eval_steps": 2}
    fields(tmp_path)
    settings = {
        "criterion": {"name": "movement", "kind": kind}, "schedule": {"name": "linear", "start": 0.2, "end": 0.8},
        "data": sets(tmp_path), "train": {**TRAIN, **steps}, "granularity": "n_of_m", "target": {"sparsity": 0.4},
    }  # fmt: skip
    pruned(tmp_path, "whole", **settings)
    with stopping(monkeypatch, after=3):
        pruned(tmp_path, "stopped", **settings)
    pruned(tmp_path, "stopped", options={"resume": True}, **settings)
    for file in ("plan.json", "model/model.safetensors", "recipe.yaml"):
        assert (tmp_path / "stopped" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file


@pytest.mark.usefixtures("unmeasured")
def test_a_loss_that_becomes_nan_keeps_the_last_good_state_and_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, after=3)
    with pytest.raises(DivergedError, match="the last good state is kept"):
        pruned(tmp_path, train=TRAIN)
    assert names(tmp_path / "out") == {"recipe.yaml", "log.jsonl", "checkpoints"}
    good = AutoModelForCTC.from_pretrained(tmp_path / "out" / "checkpoints" / "last-good")
    assert all(tensor.isfinite().all() for tensor in good.state_dict().values())


@pytest.mark.usefixtures("unmeasured")
def test_a_full_folder_is_refused_kept_or_overwritten_as_said(tmp_path: Path) -> None:
    pruned(tmp_path)
    (tmp_path / "out" / "notes.txt").touch()
    with pytest.raises(RequestError, match="must be a new or empty folder"):
        pruned(tmp_path)
    with pytest.raises(RequestError, match="must be given the recipe that the run began with"):
        pruned(tmp_path, target={"params": 0.7}, options={"resume": True})
    report = pruned(tmp_path, target={"params": 0.7}, options={"overwrite": True}, data={})
    assert report["target"]["reached"] <= 0.7
    assert names(tmp_path / "out") == {"recipe.yaml", "plan.json", "model", "report.json", "notes.txt"}


def cut_off(folder: Path) -> None:
    content = (folder / "test" / "1.wav").read_bytes()
    (folder / "test" / "1.wav").write_bytes(content[: len(content) // 2])


def dropped(path: str) -> Any:
    return lambda folder: (folder / path).unlink()


def replaced(path: str, text: str) -> Any:
    return lambda folder: (folder / path).write_text(text) and None


def unspoilt(folder: Path) -> None:
    pass


WRONG = [
    (unspoilt, {"model": "nobody/nothing"}, ModelError, "`nobody/nothing` is not"),
    (unspoilt, {"model": None}, RecipeError, "`model` must be given to prune"),
    (unspoilt, {"target": None}, RecipeError, "`target` must be given to prune"),
    (unspoilt, {"target": {"params": 0.01}}, TargetError, "which is what stays when all leaves"),
    (unspoilt, {"target": {"params": 10**6}}, TargetError, "nothing to do"),
    (unspoilt, {"criterion": "taylor", "data": {}}, RecipeError, "`data.train` must be given for the criterion taylor"),
    (unspoilt, {"criterion": {"name": "magnitude", "x": 1}}, RecipeError, "must have options that `magnitude` takes"),
    (unspoilt, {"train": {"max_steps": 2, "load_best_model_at_end": True, "lr_scheduler_type": "x"}}, RecipeError, "x"),
    (
        unspoilt,
        {"data": {"test": "none.jsonl"}},
        DataError,
        "`none.jsonl` must be a file of JSON lines, but there is none",
    ),
    (dropped("dense/processor_config.json"), {}, ModelError, "must come with its processor"),
    (replaced("test.jsonl", ""), {}, DataError, "must hold at least one utterance, but is empty"),
    (replaced("test.jsonl", "{}\nx"), {}, DataError, "`audio_filepath` in line 1"),
    (replaced("train.jsonl", "x"), {"criterion": "taylor"}, DataError, "line 1 of manifest"),
    (replaced("train.jsonl", "x"), {"train": TRAIN}, DataError, "line 1 of manifest"),
    (dropped("test/0.wav"), {}, DataError, "does not exist; check `audio_filepath`"),
    (cut_off, {}, DataError, "is the file truncated?"),
]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(("spoil", "changed", "kind", "fragment"), WRONG)
def test_a_wrong_request_writes_nothing_at_all(
    spoil: Any, changed: dict[str, Any], kind: type, fragment: str, tmp_path: Path
) -> None:
    recipe = recipe_from(fields(tmp_path, **changed))
    spoil(tmp_path)
    with pytest.raises(kind) as caught:
        prune(recipe, tmp_path / "out")
    assert fragment in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("unmeasured")
def test_speech_at_another_rate_and_what_cannot_be_trained_on_is_said_and_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secateur.data.audio._resampled_rates", set())
    fields(tmp_path)
    write_manifest(tmp_path / "slow.jsonl", rate=8000)
    write_audio(tmp_path / "short.wav", "yes", 0.1)
    record = {"audio_filepath": "short.wav", "text": "far too much to say", "duration": 0.1}
    with (tmp_path / "slow.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n" + json.dumps({**record, "text": "№ 1"}) + "\n")
    with caplog.at_level("WARNING"):
        pruned(tmp_path, criterion="taylor", data={"train": str(tmp_path / "slow.jsonl")})
    said = [message for message in caplog.messages if "Hz" in message or "skipped" in message]
    assert len(said) == 3
    assert "has 8000 Hz: resampled to 16000 Hz (said once)" in said[0]
    assert "1 of 10 utterances have characters outside the vocabulary and are skipped" in "".join(said)
    assert "1 of 10 utterances are too short for their text and are skipped" in "".join(said)


def test_how_latency_is_measured_is_the_recipes_word(tmp_path: Path) -> None:
    report = pruned(tmp_path, data={}, bench={**FEW, "seconds": [0.5], "threads": 1})
    assert [row["audio_seconds"] for row in report["dense"]["latencies"]] == [0.5]
    assert report["comparison"]["speedup"]["median"] == report["comparison"]["speedups"][0]["median"]


def test_a_real_recognizer_is_pruned_and_loads_in_a_process_that_knows_nothing_of_it(tmp_path: Path) -> None:
    data = real_data()
    lines = (data / "an4" / "test.jsonl").read_text().splitlines()[:40:10]
    records = [json.loads(line) for line in lines]
    files = [str(data / "an4" / record["audio_filepath"]) for record in records]
    few = [{**record, "audio_filepath": file} for record, file in zip(records, files, strict=True)]
    (tmp_path / "few.jsonl").write_text("".join(json.dumps(record) + "\n" for record in few))
    sets = [f"data.test={tmp_path / 'few.jsonl'}", "bench={seconds: [1.0], repeats: 2}"]
    model = f"model={data / 'models' / 'parakeet-ctc-an4-digits'}"
    report = prune(load("one-shot-magnitude", [*sets, model], verb="prune"), tmp_path / "out")
    assert report["dense"]["params"] == 4_222_798
    assert 0.899 < report["target"]["reached"] <= 0.9
    code = (
        "import json, sys, secateur, soundfile\n"
        "from transformers import pipeline\n"
        "hear = pipeline('automatic-speech-recognition', model=sys.argv[1])\n"
        "speech = [soundfile.read(file, dtype='float32')[0] for file in sys.argv[2:]]\n"
        "print(json.dumps([hear(samples)['text'].strip() for samples in speech]))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out" / "model"), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    transcripts = [json.loads(line) for line in (tmp_path / "out" / "transcripts.jsonl").read_text().splitlines()]
    assert json.loads(done.stdout) == [line["pruned"] for line in transcripts]
    assert report["dense"]["wer"] < 0.3


def test_gates_and_a_teacher_end_at_the_exact_target_with_a_page_that_shows_them(tmp_path: Path) -> None:
    report = pruned(
        tmp_path,
        method="l0",
        granularity=["head", "ffn_unit", "conv_channel", "module"],
        distill={"layers": "matched", "taps": 2, "logits": 1.0},
        schedule={"name": "cubic", "start": 0.2, "end": 0.7},
        reestimate_batches=2,
        train=TRAIN,
    )
    small = AutoModelForCTC.from_pretrained(tmp_path / "out" / "model")
    assert sum(p.numel() for p in small.parameters()) == report["target"]["reached_absolute"]
    assert 0.8 - 0.02 < report["target"]["reached"] <= 0.8
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Gates open" in page
    assert "expected" in page


@pytest.mark.parametrize("criterion", ["taylor", "magnitude"])
def test_batch_norms_are_estimated_anew_where_asked(tmp_path: Path, unmeasured: None, criterion: str) -> None:
    means = []
    for count in (0, 2):
        pruned(tmp_path, f"out{count}", criterion=criterion, reestimate_batches=count)
        small = AutoModelForCTC.from_pretrained(tmp_path / f"out{count}" / "model")
        means.append(small.encoder.layers[0].conv.norm.running_mean)
    assert not torch.equal(*means)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(
    "schedule", ["one_shot", {"name": "cubic", "start": 0.0, "end": 0.5}], ids=["first", "gradual"]
)
@pytest.mark.parametrize("steps", [0, 6])
def test_what_is_saved_is_rounded_and_zeros_stay(steps: int, schedule: Any, tmp_path: Path) -> None:
    settings = {
        "granularity": "element",
        "target": {"sparsity": 0.5},
        "criterion": "magnitude",
        "quantize": {"bits": 4},
    }
    pruned(tmp_path, schedule=schedule, train={**TRAIN, "max_steps": steps}, **settings)
    model = AutoModelForCTC.from_pretrained(tmp_path / "out" / "model")
    weights = {name: model.get_parameter(name).detach() for name in quantizable(model)}
    assert all(torch.equal(weight, quantize_rows(weight, bits=4).values()) for weight in weights.values())
    assert sum(int((weight == 0).sum()) for weight in weights.values()) >= sum(w.numel() for w in weights.values()) // 2


@pytest.mark.usefixtures("unmeasured")
def test_a_rounded_run_that_was_stopped_goes_on_to_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = {"save_strategy": "steps", "save_steps": 1, "eval_strategy": "no"}
    settings = {
        "schedule": {"name": "cubic", "start": 0.0, "end": 0.3}, "criterion": "magnitude", "quantize": {"bits": 8},
        "train": {**TRAIN, **steps}, "granularity": ["ffn_unit"], "target": {"params": 0.9},
    }  # fmt: skip
    pruned(tmp_path, "whole", **settings)
    with stopping(monkeypatch, after=4):
        pruned(tmp_path, "stopped", **settings)
    pruned(tmp_path, "stopped", options={"resume": True}, **settings)
    first, second = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "stopped"))
    assert first.read_bytes() == second.read_bytes()
