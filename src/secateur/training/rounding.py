"""The callback that trains weights as they will be rounded."""

from collections.abc import Callable
from typing import Any, final

from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from secateur.checkpoint.quantized import quantizable, rounded
from secateur.masks import Behind
from secateur.training.beside import checkpoint_folder, keep, kept

NAME = "rounding"


@final
class RoundingCallback(TrainerCallback):
    """Fake quantization of weights: forward and backward see them rounded, the optimizer moves those behind.

    Gradients go straight through the rounding (Bengio et al. 2013, arXiv 1308.3432; Jacob et al. 2018, arXiv
    1712.05877). Between two steps the model shows the rounded weights, so that what is validated and saved is what
    ships. It begins as soon as `ready` says so, for a pruned model when its structure is final; zeros stay zero.
    """

    def __init__(self, model: nn.Module, *, bits: int, ready: Callable[[], bool] = lambda: True) -> None:
        """Other callbacks that move weights must come before this one."""
        self._outputs = quantizable(model)
        self._behind = Behind({name: model.get_parameter(name) for name in self._outputs})
        self._bits = bits
        self._ready = ready

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take up the weights behind the rounded ones from the checkpoint that training resumes from."""
        if state.global_step:
            self._behind.restore(kept(checkpoint_folder(args, state), NAME)[0])

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Round, where the step before has not."""
        if not self._behind.shown and self._ready():
            self._round()

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Put back the weights that the optimizer moves."""
        self._behind.hide()

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Round them."""
        if self._ready():
            self._round()

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Save the weights behind into the checkpoint that was just written."""
        if state.is_world_process_zero:
            keep(checkpoint_folder(args, state), NAME, self._behind.state(), {})

    def _round(self) -> None:
        self._behind.show(lambda name, weight: rounded(weight, outputs=self._outputs[name], bits=self._bits))
