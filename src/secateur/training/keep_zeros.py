"""The callback that keeps single weights at zero while the others train on."""

from collections.abc import Sequence
from typing import Any, final

from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from secateur.group import Group
from secateur.masks import MaskState, not_empty


@final
class KeepZeros(TrainerCallback):
    """Zeroes, after each step, the weights of `groups` that are zero to begin with.

    A checkpoint that training resumes from may have more: weights that are rounded.
    """

    def __init__(self, model: nn.Module, groups: Sequence[Group]) -> None:
        self._model, self._groups = model, groups
        self._masks = not_empty(model, groups)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Zero it; the model is where it is trained by now."""
        self._state = MaskState(self._model, self._groups)
        self._state.set(self._masks)

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Zero what the optimizer moved."""
        self._state.apply()
