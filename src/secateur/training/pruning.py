"""The callback that brings a pruning method into a `transformers.Trainer`."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

from safetensors.torch import load_file, save_file
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from secateur.errors import RequestError
from secateur.group import Group
from secateur.methods import Method

TENSORS, VALUES = "pruning.safetensors", "pruning.json"


@final
class PruningCallback(TrainerCallback):
    """Calls the method's verbs, and keeps its state beside the Trainer's in every checkpoint.

    It works with any Trainer: masks are applied to the weights after each optimizer step, so neither the model nor
    the loop knows of it.
    """

    def __init__(self, method: Method, model: nn.Module, groups: Sequence[Group]) -> None:
        self.method = method
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
            self._restore(_folder(args, state))

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Act; gradients are still there, the step is not counted yet."""
        self.method.step(state.global_step + 1)

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
            tensors, values = self.method.state()
            save_file(tensors, _folder(args, state) / TENSORS)
            (_folder(args, state) / VALUES).write_text(json.dumps(values))

    def _restore(self, folder: Path) -> None:
        if not (folder / TENSORS).is_file():
            raise RequestError(
                f"checkpoint `{folder}` must hold `{TENSORS}` to resume pruning, but does not; it was written without "
                f"pruning attached; start again"
            )
        self.method.restore(load_file(folder / TENSORS), json.loads((folder / VALUES).read_text()))


def _folder(args: TrainingArguments, state: TrainerState) -> Path:
    return Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
