"""What has been saved already, or is expected to be."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from secateur.group import Group, Masks

ROUNDING = 1e-9
"""Share of what a unit saves below which the rest is what sums leave of nothing."""


def saved_so_far(groups: Sequence[Group], saved: Mapping[str, float], masks: Masks) -> float:
    """Sum what the masked units save; what is inside of something masked is not counted twice."""
    return sum(_saved_per_site(groups, saved, masks).values())


def expected_saved(groups: Sequence[Group], saved: Mapping[str, float], openness: Mapping[str, Tensor]) -> Tensor:
    r"""Return what is saved in expectation when every unit u stays with probability p_u, independently.

    .. math:: E[saved] = \sum_g \sum_{u \in g} r_g \Big( 1 - p_u \prod_{a \supset g} p_a \Big)

    with :math:`r_g` what a unit of site g saves by itself (`remainders`) and a the sites that g is inside of: a unit is
    there only if its module is, and that only if its layer is. Exact, since what a model saves is linear in the
    products of masks; with every p in {0, 1} it is `saved_so_far`. Differentiable in `openness`, whose tensors have
    shape (units,).

    Source: the expected size of CoFi (Xia et al. 2022, arXiv 2204.00408, section 3.1).
    Differs: counts norms and biases too, and takes any unit of size that is additive over the groups.
    """
    rest = remainders(groups, saved)
    total = next(iter(openness.values())).new_zeros(())
    for group in groups:
        there = openness[group.name].sum()
        for site in group.inside:
            there = there * openness[site].squeeze()
        total = total + rest[group.name] * (group.units - there)
    return total


def still_saved(groups: Sequence[Group], saved: Mapping[str, float], masks: Masks) -> dict[str, float]:
    """Return what one unit of each site would save on top of what has left: a module half gone saves its other half.

    Scores are of what is still there, so whoever divides them by savings needs these.
    """
    gone = _saved_per_site(groups, saved, masks)
    inside: dict[str, float] = {}
    for group in groups:
        for site in group.inside:
            inside[site] = inside.get(site, 0.0) + gone.get(group.name, 0.0)
    left = {group.name: saved[group.name] - inside.get(group.name, 0.0) for group in groups}
    return {site: value if value > ROUNDING * saved[site] else 0.0 for site, value in left.items()}


def remainders(groups: Sequence[Group], saved: Mapping[str, float]) -> dict[str, float]:
    """Return what one unit of each site saves beyond what the sites directly inside it do."""
    inside = {group.name: set(group.inside) for group in groups}
    rest = {group.name: saved[group.name] for group in groups}
    for group in groups:
        for site in group.inside:
            if not any(site in inside[between] for between in group.inside):
                rest[site] -= saved[group.name] * group.units
    return rest


def _saved_per_site(groups: Sequence[Group], saved: Mapping[str, float], masks: Masks) -> dict[str, float]:
    whole = {group.name for group in groups if group.units == 1 and not bool(masks[group.name].any())}
    return {
        group.name: max(0.0, float((~masks[group.name]).sum()) - group.free) * saved[group.name]
        for group in groups
        if not whole.intersection(group.inside)
    }
