"""Importance by where weights move while the model trains."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, final, get_args

from torch import Tensor

from secateur.errors import RecipeError

Kind = Literal["hard", "soft"]


@final
@dataclass(frozen=True)
class Movement:
    r"""Score a unit by how much the loss, step by step, has wanted its weights to move away from zero.

    .. math:: S_u = - \sum_t \sum_{w \in gate(u)} w_t \frac{\partial L}{\partial w'_t}
                  = - \sum_t \Big( \frac{\partial L}{\partial z_u} \Big)_t

    with w' the weight as the forward sees it, masked or not, and z a gate on the unit: what is masked goes on being
    scored, and may come back. A weight that shrinks loses score, however large it is still; so the criterion says how a
    model changes, where magnitude says how it was. This class has one step's term, the method
    `secateur.methods.StraightThrough` the sum.

    ``hard`` adds the terms up. ``soft`` lets Adam learn S, on the same gradients and on those of
    :math:`\lambda \, \overline{\sigma(S)}`, which presses scores near zero down more than large ones; lambda grows with
    the schedule's share.

    >>> import torch
    >>> Movement().elements(torch.tensor([2.0, -2.0, 0.0]), torch.tensor([-3.0, -3.0, 5.0]), name="w")
    tensor([ 6., -6., -0.])

    Source: Sanh et al. 2020, "Movement pruning: adaptive sparsity by fine-tuning" (arXiv 2005.07683), sections 3 and 4.
    Differs: units of any size; the allocation ranks scores and the target is met exactly, where their hard kind keeps
    a share of each matrix, and the size of their soft kind is what lambda and a threshold lead to. S has a constant
    learning rate.
    """

    kind: Kind = "hard"

    learning_rate: float = 1e-2
    """Adam's step for soft scores: that of their experiments."""

    penalty: float = 1.0
    """Lambda at the target. Ours: their 400 has to make the model sparse, ours only presses what is undecided."""

    needs_gradient = True
    gate_only = True

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            RecipeError: One of them is wrong.
        """
        wrong = [
            *_number("learning_rate", self.learning_rate, least=math.ulp(0.0), words="a number above 0"),
            *_number("penalty", self.penalty, least=0.0, words="a number of at least 0"),
        ]
        if self.kind not in get_args(Kind):
            wrong.append(f"`criterion.kind` must be {' or '.join(get_args(Kind))}, but is {self.kind!r}")
        if wrong:
            raise RecipeError(wrong)

    def elements(self, weight: Tensor, seen: Tensor | None, /, *, name: str) -> Tensor:
        """Return -w * dL/dw, signed; a weight without a gradient contributes nothing."""
        return weight.new_zeros(weight.shape) if seen is None else -weight * seen

    def units(self, total: Tensor) -> Tensor:
        """Return the sum as it is, signed."""
        return total


def _number(name: str, value: object, *, least: float, words: str) -> Iterator[str]:
    """Say what is wrong with an option that must be a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
        yield f"`criterion.{name}` must be {words}, but is {value!r}"
