import torch

from secateur.allocation import GONE, STAYS, Uniform, fill
from secateur.group import Group


def sites(**units: int) -> list[Group]:
    return [Group(name=name, granularity="head", module=name, units=n, slices=()) for name, n in units.items()]


def test_the_scale_of_a_sites_scores_does_not_matter() -> None:
    groups = sites(a=4, b=2)
    scores = {"a": torch.tensor([30.0, 10.0, 20.0, 40.0]), "b": torch.tensor([0.2, 0.1])}
    ranks = Uniform()(scores, groups, {})
    assert {site: rank.tolist() for site, rank in ranks.items()} == {"a": [0.75, 0.25, 0.5, 1.0], "b": [1.0, 0.5]}


def test_every_site_gives_the_same_share() -> None:
    groups = sites(a=8, b=4, c=16)
    scores = {group.name: torch.rand(group.units, generator=torch.Generator().manual_seed(1)) for group in groups}
    saved = {"a": 3.0, "b": 3.0, "c": 3.0}
    shares = fill(
        Uniform()(scores, groups, saved), groups, saved, removed=0.5 * 28 * 3.0, keep_at_least={}, round_to={}
    )
    assert shares == {"a": 0.5, "b": 0.5, "c": 0.5}


def test_what_has_left_and_what_may_not_leave_is_told_apart() -> None:
    scores = {"a": torch.tensor([STAYS, GONE, 2.0, 1.0])}
    assert Uniform()(scores, sites(a=4), {})["a"].tolist() == [STAYS, GONE, 0.75, 0.5]


def test_sites_of_one_unit_compete_with_their_kind() -> None:
    kinds = {"a": "module", "b": "module", "c": "layer", "d": "layer"}
    groups = [Group(name=n, granularity=kind, module=n, units=1, slices=()) for n, kind in kinds.items()]
    scores = {"a": torch.tensor([2.0]), "b": torch.tensor([1.0]), "c": torch.tensor([50.0]), "d": torch.tensor([60.0])}
    ranks = Uniform()(scores, groups, {})
    assert {site: rank.tolist() for site, rank in ranks.items()} == {"a": [1.0], "b": [0.5], "c": [0.5], "d": [1.0]}


def test_units_that_save_nothing_have_no_share() -> None:
    group = Group(name="a", granularity="rank", module="a", units=5, slices=(), free=1.0)
    ranks = Uniform()({"a": torch.tensor([5.0, 1.0, 2.0, 3.0, 4.0])}, [group], {})
    assert ranks["a"].tolist() == [1.0, 0.0, 0.25, 0.5, 0.75]
