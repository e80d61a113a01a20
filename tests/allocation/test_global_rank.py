import torch

from secateur.allocation import GlobalRank
from secateur.group import Group


def test_scores_of_all_sites_are_compared_as_they_are() -> None:
    groups = [Group(name=name, granularity="head", module=name, units=2, slices=()) for name in "ab"]
    scores = {"a": torch.tensor([3.0, 1.0]), "b": torch.tensor([2.0, 4.0])}
    ranks = GlobalRank()(scores, groups, {"a": 1.0, "b": 100.0})
    assert {site: rank.tolist() for site, rank in ranks.items()} == {"a": [3.0, 1.0], "b": [2.0, 4.0]}
