"""`log.jsonl`: one line per logged step."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, final

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

RENAMED = {"eval_wer": "valid_wer", "eval_perplexity": "valid_perplexity"}


@final
class LogFile(TrainerCallback):
    """Writes what the Trainer logs, and the method's numbers, one JSON object per line."""

    def __init__(self, path: Path, *, numbers: Callable[[], Mapping[str, float]] = dict) -> None:
        """`numbers` gives what to add to every line."""
        self._path = path
        self._numbers = numbers
        self._start = time.monotonic()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the file, or drop the lines of steps that a resumed run takes again."""
        if not state.is_world_process_zero:
            return
        lines = self._path.read_text().splitlines() if state.global_step and self._path.is_file() else []
        kept = [line for line in _objects(lines) if line.get("step", math.inf) <= state.global_step]
        self._path.write_text("".join(f"{json.dumps(line)}\n" for line in kept))
        self._start = time.monotonic() - (kept[-1].get("seconds", 0.0) if kept else 0.0)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Log at every checkpoint: a resumed run averages the loss from there on, and so must this one."""
        control.should_log |= control.should_save

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Log at every checkpoint."""
        control.should_log |= control.should_save

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Append one line; the Trainer's closing summary is left out."""
        if not state.is_world_process_zero or not logs or "train_runtime" in logs:
            return
        seconds = round(time.monotonic() - self._start, 2)
        values = {RENAMED.get(key, key): value for key, value in {**logs, **self._numbers()}.items()}
        line = {"step": state.global_step, "seconds": seconds, **{k: _plain(v) for k, v in values.items()}}
        with self._path.open("a") as file:
            file.write(json.dumps({k: v for k, v in line.items() if v is not None}) + "\n")


def _objects(lines: list[str]) -> Iterator[dict[str, Any]]:
    """Read the lines that are whole: a run that was killed may have left half of one."""
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def _plain(value: Any) -> float | int | None:
    """Return a finite number; the Trainer logs some as strings."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(number):
        return None
    return int(value) if isinstance(value, int) else number
