import json
import math
from pathlib import Path
from typing import Any

from transformers import TrainerControl, TrainerState

from secateur.training import LogFile


def state(step: int, *, first: bool = True) -> TrainerState:
    return TrainerState(global_step=step, is_world_process_zero=first)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def logged(path: Path, *, resumed_at: int = 0, numbers: Any = dict) -> LogFile:
    log = LogFile(path, numbers=numbers)
    log.on_train_begin(None, state(resumed_at), None)
    return log


def test_one_line_per_logged_step_with_the_methods_numbers(tmp_path: Path) -> None:
    log = logged(tmp_path / "log.jsonl", numbers=lambda: {"kept_wanted": 0.5})
    log.on_log(None, state(10), None, logs={"loss": 1.5, "epoch": 0.1})
    log.on_log(None, state(20), None, logs={"loss": "1.25", "learning_rate": "1e-3"})
    first, second = lines(tmp_path / "log.jsonl")
    assert first.pop("seconds") >= 0
    assert first == {"step": 10, "loss": 1.5, "epoch": 0.1, "kept_wanted": 0.5}
    assert (second["loss"], second["learning_rate"]) == (1.25, 0.001)


def test_validation_numbers_get_our_names(tmp_path: Path) -> None:
    logged(tmp_path / "log.jsonl").on_log(None, state(1), None, logs={"eval_wer": 0.5, "eval_wer_an4": 0.25})
    line = lines(tmp_path / "log.jsonl")[0]
    assert (line["valid_wer"], line["eval_wer_an4"]) == (0.5, 0.25)


def test_what_is_no_finite_number_is_left_out(tmp_path: Path) -> None:
    values = {"loss": math.nan, "grad_norm": math.inf, "what": "text", "none": None, "epoch": 2}
    logged(tmp_path / "log.jsonl").on_log(None, state(1), None, logs=values)
    assert set(lines(tmp_path / "log.jsonl")[0]) == {"step", "seconds", "epoch"}


def test_the_closing_summary_and_other_processes_write_nothing(tmp_path: Path) -> None:
    log = logged(tmp_path / "log.jsonl")
    log.on_log(None, state(9), None, logs={"train_runtime": 3.0, "train_loss": 1.0})
    log.on_log(None, state(9, first=False), None, logs={"loss": 1.0})
    log.on_log(None, state(9), None, logs=None)
    assert lines(tmp_path / "log.jsonl") == []
    LogFile(tmp_path / "other.jsonl").on_train_begin(None, state(0, first=False), None)
    assert not (tmp_path / "other.jsonl").exists()


def test_a_new_run_starts_the_file_anew(tmp_path: Path) -> None:
    logged(tmp_path / "log.jsonl").on_log(None, state(5), None, logs={"loss": 1.0})
    logged(tmp_path / "log.jsonl")
    assert lines(tmp_path / "log.jsonl") == []


def test_a_resumed_run_drops_the_steps_it_takes_again_and_goes_on_counting_seconds(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 5, "seconds": 100.0}\n{"step": 10, "seconds": 200.0}\n{"step": 15, "seconds": 300.0}\n')
    log = logged(path, resumed_at=10)
    log.on_log(None, state(12), None, logs={"loss": 1.0})
    found = lines(path)
    assert [line["step"] for line in found] == [5, 10, 12]
    assert 200.0 <= found[-1]["seconds"] < 300.0


def test_half_a_line_of_a_run_that_was_killed_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 5, "seconds": 1.0}\n[]\n{"loss": 1}\n{"step": 10, "sec')
    logged(path, resumed_at=10)
    assert lines(path) == [{"step": 5, "seconds": 1.0}]


def test_every_checkpoint_is_logged() -> None:
    log = LogFile(Path("unused"))
    for saves in (True, False):
        for verb in (log.on_step_end, log.on_epoch_end):
            control = TrainerControl(should_save=saves, should_log=False)
            verb(None, state(1), control)
            assert control.should_log is saves
