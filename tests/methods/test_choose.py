import pytest
import torch

from secateur.allocation import Budget
from secateur.group import Group
from secateur.methods import Limits
from secateur.methods.choose import choose

GROUP = Group(name="a", granularity="ffn_unit", module="a", units=4, slices=())
SCORES = {"a": torch.tensor([3.0, 1.0, 2.0, 4.0])}


@pytest.mark.parametrize(("share", "kept"), [(0.5, [True, False, True, True]), (1.0, [True, False, False, True])])
def test_the_least_important_units_leave_up_to_the_share_that_is_due(share: float, kept: list[bool]) -> None:
    budget = Budget(unit="params", whole=40.0, kept=20.0, saved={"a": 10.0})
    masks = choose(SCORES, lambda saved: SCORES, [GROUP], budget, Limits(), share=share)
    assert masks["a"].tolist() == kept
