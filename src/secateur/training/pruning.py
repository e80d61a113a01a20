"""The callback that brings a pruning method into a `transformers.Trainer`."""

import math
from collections.abc import Callable, Sequence
from typing import Any, final

from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from secateur.group import Group
from secateur.methods import Method
from secateur.training.beside import checkpoint_folder, keep, kept

NAME = "pruning"


@final
class PruningCallback(TrainerCallback):
    """Calls the method's verbs, and keeps its state beside the Trainer's in every checkpoint.

    It works with any Trainer: masks are applied to the weights after each optimizer step, so neither the model nor
    the loop knows of it.
    """

    def __init__(
        self,
        method: Method,
        model: nn.Module,
        groups: Sequence[Group],
        *,
        settled: Callable[[], None] | None = None,
    ) -> None:
        """`settled` is called once, after the step at which the structure has become final."""
        self.method = method
        self._settled = settled
        self.groups = groups
        self._model = model
        self._prepared = False

    def prepare(self, total_steps: int) -> None:
        """Attach the method to the model; the first call counts."""
        if not self._prepared:
            self._prepared = True
            self.method.prepare(self._model, self.groups, total_steps=total_steps)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Prepare, or take up the state of the checkpoint that training resumes from."""
        self.prepare(state.max_steps)
        if state.global_step:
            self.method.restore(*kept(checkpoint_folder(args, state), NAME))

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Act before the forwards."""
        self.method.begin(state.global_step + 1)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Act on gradients that are complete, averaged and clipped."""
        self.method.gather(state.global_step + 1)

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Act; gradients are still there, the step is not counted yet."""
        before = self.method.at_target
        self.method.step(state.global_step + 1)
        if self.method.at_target and not before and self._settled is not None:
            self._settled()

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep a checkpoint that has not reached the target from being the best one: it is not what was asked for.

        The Trainer compares what is in `metrics` after its callbacks have seen it.
        """
        best = args.metric_for_best_model
        if metrics and best and self._prepared and not self.method.at_target:
            metrics[best if best.startswith("eval_") else f"eval_{best}"] = (
                -math.inf if args.greater_is_better else math.inf
            )

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Save the method's state into the checkpoint that was just written."""
        if state.is_world_process_zero:
            keep(checkpoint_folder(args, state), NAME, *self.method.state())
