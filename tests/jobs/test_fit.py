import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from secateur.errors import DivergedError, RequestError
from secateur.jobs.compose import compose
from secateur.jobs.fit import LAST_GOOD, fit, last_checkpoint
from secateur.jobs.teach import teach
from secateur.recipes import recipe_from
from secateur.tasks import SPEECH
from secateur.tasks.speech import evaluated, training_speech
from secateur.training import PruningCallback
from secateur.training.beside import keep
from speech import MachineDownError, fields, processor, recognizer, spoil, stopping

TRAIN = {
    "num_train_epochs": 2,
    "learning_rate": 5e-3,
    "logging_steps": 4,
    "save_strategy": "steps",
    "save_steps": 3,
    "save_total_limit": None,
}
"""5 batches an epoch: checkpoints fall into its middle, and logged steps fall between checkpoints."""


def run(folder: Path, out: Path, *, prunes: bool, resume: bool = False, valid: bool = False, **changed: Any) -> Any:
    """Train, and return the weights and, where it prunes, the method's state."""
    recipe = recipe_from(
        fields(
            folder,
            augment={"speed": [0.9, 1.0, 1.1]},
            batch_seconds=1.6,
            criterion="taylor",
            **{"train": TRAIN, "schedule": {"name": "cubic", "end": 0.8}, **changed},
        )
    )
    torch.manual_seed(recipe.seed)
    model = recognizer()
    callback = None
    if prunes:
        pruning = compose(recipe, model)
        callback = PruningCallback(pruning.method, model, pruning.groups)
    fit(
        recipe,
        SPEECH,
        model,
        processor(),
        training=training_speech(recipe, model, processor()),
        valid=evaluated({"v": (str(folder / "test.jsonl"),)}, processor()) if valid else [],
        out=out,
        pruning=callback,
        distillation=teach(recipe, model, processor()),
        resume=resume,
    )
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    return state, callback.method.state() if callback else None


def log(out: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("prunes", [False, True])
def test_a_run_that_stops_and_goes_on_is_the_run_that_never_stopped(
    prunes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, whole_method = run(tmp_path, tmp_path / "whole", prunes=prunes)
    for stop in (4, 8):
        with stopping(monkeypatch, after=stop):
            run(tmp_path, tmp_path / f"stopped-{stop}", prunes=prunes)
        went_on, method = run(tmp_path, tmp_path / f"stopped-{stop}", prunes=prunes, resume=True)
        assert same(went_on, whole)
        assert log(tmp_path / f"stopped-{stop}") == log(tmp_path / "whole")
        if prunes:
            assert same(method[0], whole_method[0])
            assert method[1] == whole_method[1]


def test_so_it_is_between_epochs_and_with_the_best_epoch_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = {"num_train_epochs": 3, "learning_rate": 5e-3, "logging_steps": 4}
    whole, _ = run(tmp_path, tmp_path / "whole", prunes=True, valid=True, train=train)
    with stopping(monkeypatch, after=11):
        run(tmp_path, tmp_path / "stopped", prunes=True, valid=True, train=train)
    went_on, _ = run(tmp_path, tmp_path / "stopped", prunes=True, valid=True, train=train, resume=True)
    assert same(went_on, whole)
    assert log(tmp_path / "stopped") == log(tmp_path / "whole")
    assert sum("valid_wer" in line for line in log(tmp_path / "whole")) == 3


def test_and_with_gates_and_a_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = {"method": "l0", "distill": {"layers": "matched", "taps": 2, "logits": 1.0}}
    lesson["schedule"] = {"name": "linear", "start": 0.25, "end": 0.8}
    whole, whole_method = run(tmp_path, tmp_path / "whole", prunes=True, **lesson)
    for stop in (2, 4, 8):  # before the gates, among them, and settled
        with stopping(monkeypatch, after=stop):
            run(tmp_path, tmp_path / f"stopped-{stop}", prunes=True, **lesson)
        went_on, method = run(tmp_path, tmp_path / f"stopped-{stop}", prunes=True, resume=True, **lesson)
        assert same(went_on, whole)
        assert same(method[0], whole_method[0])
        assert method[1] == whole_method[1]
        assert log(tmp_path / f"stopped-{stop}") == log(tmp_path / "whole")
    lines = [line for line in log(tmp_path / "whole") if "loss" in line]
    assert all({"loss_task", "loss_layers", "loss_logits", "kept_expected", "open_head"} <= set(line) for line in lines)


def test_and_with_accumulated_gradients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = {**TRAIN, "gradient_accumulation_steps": 2, "save_steps": 2}
    whole, _ = run(tmp_path, tmp_path / "whole", prunes=True, train=train)
    with stopping(monkeypatch, after=3):
        run(tmp_path, tmp_path / "stopped", prunes=True, train=train)
    assert same(run(tmp_path, tmp_path / "stopped", prunes=True, train=train, resume=True)[0], whole)


def test_a_run_that_is_finished_takes_no_further_step(tmp_path: Path) -> None:
    train = {**TRAIN, "save_steps": 10}
    whole, _ = run(tmp_path, tmp_path / "whole", prunes=True, train=train)
    again, _ = run(tmp_path, tmp_path / "whole", prunes=True, train=train, resume=True)
    assert same(again, whole)


def test_pruned_units_stay_zero_through_training_and_the_loss_has_its_parts_logged(tmp_path: Path) -> None:
    state, (tensors, values) = run(tmp_path, tmp_path / "out", prunes=True)
    assert values["share"] == 1.0
    for name, mask in tensors.items():
        if name.startswith("mask/") and name.endswith(":ffn_unit"):
            module = name.removeprefix("mask/").removesuffix(":ffn_unit")
            assert not state[f"{module}.linear1.weight"][~mask].any()
            assert not state[f"{module}.linear2.weight"][:, ~mask].any()
    lines = [line for line in log(tmp_path / "out") if "loss" in line]
    assert all({"step", "loss", "learning_rate", "kept_wanted", "kept_reached"} <= set(line) for line in lines)
    wanted = [line["kept_wanted"] for line in lines]
    assert wanted == sorted(wanted, reverse=True)
    assert lines[-1]["kept_reached"] <= lines[-1]["kept_wanted"] == pytest.approx(0.8)


def half_written(folder: Path, name: str, *files: str) -> None:
    (folder / name).mkdir(parents=True)
    for file in files:
        (folder / name / file).touch()


def test_a_checkpoint_that_is_half_written_is_passed_over(tmp_path: Path) -> None:
    whole = ("model.safetensors", "trainer_state.json", "pruning.json")
    half_written(tmp_path, "checkpoint-9", *whole)
    half_written(tmp_path, "checkpoint-10", "model.safetensors.index.json", "trainer_state.json")
    half_written(tmp_path, "checkpoint-11", "model.safetensors")
    half_written(tmp_path, "checkpoint-12", "trainer_state.json", "pruning.json")
    half_written(tmp_path, "last-good", *whole)
    assert last_checkpoint(tmp_path, ["trainer_state.json", "pruning.json"]) == str(tmp_path / "checkpoint-9")
    assert last_checkpoint(tmp_path, ["trainer_state.json"]) == str(tmp_path / "checkpoint-10")
    assert last_checkpoint(tmp_path / "none", ["trainer_state.json"]) is None


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.pt", "pruning.safetensors"])
def test_a_checkpoint_that_lost_a_file_is_passed_over_too(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = run(tmp_path, tmp_path / "whole", prunes=True)
    with stopping(monkeypatch, after=8):
        run(tmp_path, tmp_path / "stopped", prunes=True)
    checkpoints = tmp_path / "stopped" / "checkpoints"
    (checkpoints / "checkpoint-6" / file).unlink()
    assert same(run(tmp_path, tmp_path / "stopped", prunes=True, resume=True)[0], whole)


@pytest.mark.parametrize("step", [0, 4])
def test_a_loss_that_becomes_nan_leaves_the_last_good_state(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, after=step)
    with pytest.raises(DivergedError, match=f"is nan at step {step + 1}; the last good state is kept"):
        run(tmp_path, tmp_path / "out", prunes=True)
    folder = tmp_path / "out" / "checkpoints" / LAST_GOOD
    assert all(tensor.isfinite().all() for tensor in load_file(folder / "model.safetensors").values())
    assert (folder / "config.json").is_file()
    assert (folder / "processor_config.json").is_file()


def test_several_processes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RequestError, match="must train in one process, but `WORLD_SIZE` is 2"):
        run(tmp_path, tmp_path / "out", prunes=False)


def test_the_last_good_state_gives_a_finite_loss_again(tmp_path: Path) -> None:
    """A learning rate beyond all reason: the weights stay finite numbers, and yet are good for nothing."""
    from secateur.data import collate
    from secateur.tasks.models import load_recognizer

    with pytest.raises(DivergedError):
        run(tmp_path, tmp_path / "out", prunes=False, train={**TRAIN, "learning_rate": 1e30, "warmup_steps": 0})
    model = load_recognizer(str(tmp_path / "out" / "checkpoints" / LAST_GOOD))
    recipe = recipe_from(fields(tmp_path))
    speech = training_speech(recipe, model, processor())
    loss = model(**collate([speech.dataset[i] for i in range(len(speech.dataset))])).loss
    assert bool(loss.isfinite())


def test_training_says_where_float32_takes_the_place_of_bfloat16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64"})
    train = {"max_steps": 2, "save_strategy": "no"}
    plain, _ = run(tmp_path, tmp_path / "plain", prunes=False, train=train)
    assert "bfloat16" not in caplog.text
    asked, _ = run(tmp_path, tmp_path / "asked", prunes=False, train={**train, "bf16": True})
    assert "no bfloat16 arithmetic: trained in float32 instead" in caplog.text
    assert same(asked, plain)


def test_a_run_killed_while_it_writes_a_checkpoint_has_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = {"train": {**TRAIN, "save_total_limit": 1}}
    whole, _ = run(tmp_path, tmp_path / "whole", prunes=True, **train)
    checkpoints = tmp_path / "stopped" / "checkpoints"

    def killed(folder: Path, *_: Any) -> None:
        if folder.name == "checkpoint-6":
            raise MachineDownError
        keep(folder, *_)

    monkeypatch.setattr("secateur.training.pruning.keep", killed)
    with pytest.raises(MachineDownError):
        run(tmp_path, tmp_path / "stopped", prunes=True, **train)
    assert {path.name for path in checkpoints.glob("checkpoint-*")} == {"checkpoint-3", "checkpoint-6"}
    monkeypatch.undo()
    assert same(run(tmp_path, tmp_path / "stopped", prunes=True, resume=True, **train)[0], whole)
    assert len(list(checkpoints.glob("checkpoint-*"))) == 1


def test_where_no_checkpoint_is_whole_it_is_said_that_training_starts_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    half_written(tmp_path / "out" / "checkpoints", "checkpoint-9", "model.safetensors")
    run(tmp_path, tmp_path / "out", prunes=False, resume=True)
    assert "is whole: training starts again" in caplog.text
