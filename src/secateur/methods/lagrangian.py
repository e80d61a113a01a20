"""A size constraint that is learnt along with what it constrains."""

from typing import final

from torch import Tensor


@final
class Lagrangian:
    r"""The penalty of a model that is larger than a bound.

    .. math:: \lambda e + \frac{\mu}{2} \max(0, e)^2, \quad e = (\hat{c} - c_t) / c_{dense},
        \quad \lambda \leftarrow \max(0, \lambda + \eta e)

    with the expected size :math:`\hat{c}` and the size wanted now :math:`c_t`. The gates descend on it. The square
    answers at once, the multiplier, from 0, takes over what it would have to answer forever: at rest e is 0 and lambda
    the price of size. While lambda is above 0, being smaller than the bound pays, and makes lambda fall.

    Source: the method of multipliers of Hestenes 1969 and Powell 1969.
    Differs: from Wang et al. 2020 (arXiv 1910.04732) and CoFi (arXiv 2204.00408), whose two multipliers both ascend by
    Adam. Gates need dozens of steps before the size moves at all; meanwhile a multiplier that grows by the same
    amount each step winds up, and the size falls far below its target (`docs/methods.md` has the curves).
    """

    def __init__(self, *, penalty: float, learning_rate: float) -> None:
        """`penalty` is mu, `learning_rate` eta."""
        self._penalty = penalty
        self._rate = learning_rate
        self.multiplier = 0.0

    def __call__(self, excess: Tensor) -> Tensor:
        """Return the penalty of `excess`, a share of the dense size: a scalar."""
        return self.multiplier * excess + self._penalty / 2 * excess.clamp_min(0.0) ** 2

    def ascend(self, excess: float) -> None:
        """Move the multiplier."""
        self.multiplier = max(0.0, self.multiplier + self._rate * excess)
