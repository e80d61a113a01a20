"""Unit scores of a model, averaged over batches."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from secateur.criteria import Criterion
from secateur.granularity import unit_sums
from secateur.group import Group
from secateur.wide import wide


def unit_scores(
    model: nn.Module, groups: Sequence[Group], criterion: Criterion, *, inputs: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """Score every unit from the model's weights and what the criterion reads beside them.

    That is the gradients in place, or `inputs`: weight -> mean squares of what it multiplies.
    """
    parameters = dict(model.named_parameters())
    seen = {name: parameter.grad for name, parameter in parameters.items()} if inputs is None else inputs
    wanted = [name for name in scored_tensors(groups, criterion) if name in parameters]
    with torch.no_grad():
        elements = {
            name: criterion.elements(wide(parameters[name].detach()), _wide_if_seen(seen.get(name)), name=name)
            for name in wanted
        }
        return {
            group.name: criterion.units(unit_sums(group, elements, gate_only=criterion.gate_only)) for group in groups
        }


def _wide_if_seen(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else wide(tensor)


def of_called(
    scores: Mapping[str, Tensor], model: nn.Module, groups: Sequence[Group], criterion: Criterion
) -> dict[str, Tensor]:
    """Leave out sites whose layers no forward of this step has called, as LayerDrop has it: their gradients are absent.

    A batch says nothing of them, not that they are worth nothing. What is frozen has no gradient either, and stays.
    """
    if not criterion.needs_gradient:
        return dict(scores)
    parameters = dict(model.named_parameters())

    def called(group: Group) -> bool:
        read = [parameters[name] for name in scored_tensors([group], criterion) if name in parameters]
        return not read or any(one.grad is not None or not one.requires_grad for one in read)

    return {group.name: scores[group.name] for group in groups if called(group)}


def scored_tensors(groups: Sequence[Group], criterion: Criterion) -> set[str]:
    """Name the tensors that a criterion scores units by."""
    slices = [where for group in groups for where in group.slices]
    return {where.tensor for where in slices if where.gate or not criterion.gate_only}


@final
class RunningScores:
    """Scores averaged over batches: the mean while calibrating, an exponential moving average while training.

    .. math:: S_t = \\beta_t S_{t-1} + (1 - \\beta_t) s_t, \\quad \\beta_t = \\min(\\beta, 1 - 1/t)

    The first :math:`1 / (1 - \\beta)` batches are thus averaged evenly, and nothing hangs on a start value. A site that
    a batch says nothing of stays as it is, and has a t of its own.
    """

    def __init__(self, decay: float) -> None:
        """`decay` is beta, in [0, 1); 1 gives the plain mean."""
        self._decay = decay
        self.scores: dict[str, Tensor] = {}
        self.count = 0
        self._seen: dict[str, int] = {}

    def add(self, scores: Mapping[str, Tensor]) -> None:
        """Take in one batch."""
        self.count += 1
        for site, new in scores.items():
            self._seen[site] = self._seen.get(site, 0) + 1
            weight = 1.0 - min(self._decay, 1.0 - 1.0 / self._seen[site])
            before = self.scores.get(site)
            # `.to`: a state that was restored comes from the disk, the model may be elsewhere
            self.scores[site] = new.clone() if before is None else torch.lerp(before.to(new.device), new, weight)

    def values(self) -> dict[str, Any]:
        """Return the counters, for a checkpoint beside the scores."""
        return {"count": self.count, "seen": dict(self._seen)}

    def load(self, scores: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Take up scores and counters."""
        self.scores = {site: score.clone() for site, score in scores.items()}
        self.count, self._seen = int(values["count"]), {site: int(n) for site, n in values["seen"].items()}
