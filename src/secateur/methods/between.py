"""What scheduled pruning may do between its cuts, beside training."""

from collections.abc import Iterable, Mapping, Sequence
from typing import final

import torch
from torch import Tensor, nn

from secateur.errors import WorkError
from secateur.group import Group, Masks
from secateur.methods.emptied import REMEDY, emptied


@torch.no_grad()
def penalize(weights: Iterable[nn.Parameter], l1: float) -> None:
    r"""Add the gradient of :math:`l1 \sum |w|` to those of weights: the plain l1 penalty, as a term of the loss.

    Differs: gradients have been clipped before, so the penalty is not.
    """
    for weight in weights:
        if weight.grad is not None:
            weight.grad.add_(weight.sign(), alpha=l1)


def check_alive(groups: Sequence[Group], before: Masks, after: Masks, l1: float) -> None:
    """Make sure that a penalty leaves something of every matrix that there was something of.

    Raises:
        WorkError: All of one would become zero.
    """
    for name in emptied(groups, before, after):
        raise WorkError(
            f"`scheduled.l1` must leave something of every matrix, but with {l1:g} nothing stays of `{name}`; lower "
            f"it, {REMEDY}"
        )


@final
class Start:
    """A model's parameters and buffers at the start of a run, to rewind to.

    Source: Frankle et al. 2020 (arXiv 1912.05671), weight rewinding; Chen et al. 2020 (arXiv 2007.12223), to the
    trained weights that fine-tuning starts from.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def rewind(self) -> None:
        """Put them back."""
        for name, tensor in self._model.state_dict().items():
            tensor.copy_(self.tensors[name])

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up those of the start of a run that was stopped."""
        self.tensors = dict(tensors)
