"""The last state of a model whose loss was a number."""

from typing import Any, final

import torch
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from secateur.errors import DivergedError
from secateur.methods import finite_gradients

ADVICE = "the last good state is kept; lower `train.learning_rate` or `train.max_grad_norm`, or look for broken data"


@final
class LastGood(TrainerCallback):
    """Keeps the weights and buffers that the last finite loss was computed with.

    They are copied just before each optimizer step, once the gradients are known to be finite. A loss that is not a
    number shows one step late: by then the optimizer may have spoilt the weights, and the forward the norms' running
    statistics. The copy is a quarter of what training with AdamW holds (weights, gradients, two moments).
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._kept: dict[str, Tensor] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Keep what training starts from."""
        self._keep()

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Keep this state, or stop before the step.

        Raises:
            DivergedError: A gradient is NaN or infinite. In fp16 that is the loss scale's everyday business, and the
                step is skipped by the library.
        """
        if finite_gradients(self._model.parameters()):
            self._keep()
        elif not args.fp16:
            raise DivergedError(f"the gradients must be finite, but are not at step {state.global_step + 1}; {ADVICE}")

    @torch.no_grad()
    def restore(self) -> None:
        """Bring the model back to the state that was kept."""
        for name, tensor in self._model.state_dict().items():
            tensor.copy_(self._kept[name])

    @torch.no_grad()
    def _keep(self) -> None:
        for name, tensor in self._model.state_dict().items():
            if name in self._kept:
                self._kept[name].copy_(tensor)
            else:
                self._kept[name] = tensor.detach().clone()
