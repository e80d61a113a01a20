"""Scores that add up while a model trains."""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from secateur.criteria import Movement
from secateur.group import Group
from secateur.methods.prefixes import inside, under
from secateur.optimizer_state import load_state, named_state


@final
class MovementScores:
    """S of every unit, from 0, by site: what the criterion `Movement` sums up or learns."""

    def __init__(
        self, criterion: Movement, groups: Sequence[Group], *, device: torch.device, dtype: torch.dtype
    ) -> None:
        self._criterion = criterion
        self.by_site = {group.name: torch.zeros(group.units, device=device, dtype=dtype) for group in groups}
        self._units = sum(group.units for group in groups)
        self._optimizer = (
            torch.optim.Adam(list(self.by_site.values()), lr=criterion.learning_rate)
            if criterion.kind == "soft"
            else None
        )

    @torch.no_grad()
    def add(self, gradients: Mapping[str, Tensor], *, share: float) -> None:
        """Take in one step: dL/dz by site, shape (units,), and the schedule's share, which scales the penalty."""
        for site, score in self.by_site.items():
            gradient = gradients[site].to(score)
            if self._optimizer is None:
                score -= gradient
            else:
                score.grad = gradient + self._pressure(score, share)
        if self._optimizer is not None:
            self._optimizer.step()
            self._optimizer.zero_grad()

    def _pressure(self, score: Tensor, share: float) -> Tensor:
        """Return the gradient of lambda * mean sigma(S)."""
        open_ = score.sigmoid()
        return share * self._criterion.penalty / self._units * open_ * (1.0 - open_)

    def state(self) -> dict[str, Tensor]:
        """Return the scores, and the moments of those that are learnt."""
        learnt = named_state(self._optimizer) if self._optimizer is not None else {}
        return under("score/", self.by_site) | under("adam/", learnt)

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take up a state."""
        for site, score in inside("score/", state).items():
            self.by_site[site].copy_(score)
        if self._optimizer is not None:
            load_state(self._optimizer, inside("adam/", state))
