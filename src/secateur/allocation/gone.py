"""What masks have saved already."""

from collections.abc import Mapping, Sequence

from secateur.group import Group, Masks


def saved_so_far(groups: Sequence[Group], saved: Mapping[str, float], masks: Masks) -> float:
    """Sum what the masked units save; what is inside of something masked is not counted twice."""
    return sum(_saved_per_site(groups, saved, masks).values())


def still_saved(groups: Sequence[Group], saved: Mapping[str, float], masks: Masks) -> dict[str, float]:
    """Return what one unit of each site would save on top of what has left: a module half gone saves its other half.

    Scores are of what is still there, so whoever divides them by savings needs these.
    """
    gone = _saved_per_site(groups, saved, masks)
    inside: dict[str, float] = {}
    for group in groups:
        for site in group.inside:
            inside[site] = inside.get(site, 0.0) + gone.get(group.name, 0.0)
    return {group.name: saved[group.name] - inside.get(group.name, 0.0) for group in groups}


def _saved_per_site(groups: Sequence[Group], saved: Mapping[str, float], masks: Masks) -> dict[str, float]:
    whole = {group.name for group in groups if group.units == 1 and not bool(masks[group.name].any())}
    return {
        group.name: float((~masks[group.name]).sum()) * saved[group.name]
        for group in groups
        if not whole.intersection(group.inside)
    }
