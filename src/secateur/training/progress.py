"""How far training is, on standard error."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

logger = logging.getLogger(__name__)

TOLD: Mapping[str, Callable[[float], str]] = {
    "eval_wer": lambda rate: f"WER {100 * rate:.1f} %",
    "eval_perplexity": lambda value: f"perplexity {value:.4g}",
}
"""What is said of a validation."""


@final
class ProgressBar(TrainerCallback):
    """A bar where standard error is a terminal, and a line per evaluation everywhere.

    The library's own bar writes what it logs to standard output, which is for results.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[numbers]}"),
        )
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task: TaskID | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Draw the bar."""
        self._progress.start()
        self._task = self._progress.add_task(
            self._title, total=state.max_steps, completed=state.global_step, numbers=""
        )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Move it."""
        if self._task is not None:
            self._progress.update(self._task, completed=state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Show the loss beside it."""
        if self._task is not None and logs and "loss" in logs:
            self._progress.update(self._task, numbers=f"loss {float(logs['loss']):.3f}")

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Say the validation WER or perplexity."""
        told = [show(metrics[key]) for key, show in TOLD.items() if metrics and key in metrics]
        if told:
            epoch, step, steps = state.epoch or 0.0, state.global_step, state.max_steps
            logger.info("%s: epoch %.0f, step %d of %d, validation %s", self._title, epoch, step, steps, told[0])

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take the bar away."""
        self.stop()

    def stop(self) -> None:
        """Take the bar away, also where training ended in an error and gives the terminal its cursor back."""
        self._progress.stop()
