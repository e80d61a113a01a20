import pytest
import torch
from torch import nn

from secateur.families import find_groups
from secateur.group import Group
from secateur.methods.emptied import emptied, tell_emptied


def two_weights() -> list[Group]:
    return find_groups(nn.Sequential(nn.Linear(4, 2, bias=False), nn.Linear(2, 4, bias=False)), ["element"])


def test_weights_that_lose_their_last_unit_are_named_and_none_that_had_none() -> None:
    groups = two_weights()
    full, none = (torch.full((8,), kept) for kept in (True, False))
    before = {"0.weight:element": full, "1.weight:element": none}
    after = {"0.weight:element": none, "1.weight:element": none}
    assert emptied(groups, before, after) == ["0.weight"]
    assert emptied(groups, before, before) == []


def test_what_is_told_says_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    groups = two_weights()
    full = {group.name: torch.ones(8, dtype=torch.bool) for group in groups}
    tell_emptied(groups, full, full)
    assert not caplog.messages
    tell_emptied(groups, full, {name: ~mask for name, mask in full.items()})
    assert caplog.messages == [
        "nothing stays of 0.weight, 1.weight; share the zeros out by `allocation: uniform`, or keep some of each by "
        "`keep_at_least`"
    ]
