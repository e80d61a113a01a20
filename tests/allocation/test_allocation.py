import pytest
import torch

from secateur.allocation import ALLOCATIONS, GONE
from secateur.group import Group

GROUP = Group(name="a:head", granularity="head", module="a", units=3, slices=())
SINGLE = Group(name="b:module", granularity="module", module="b", units=1, slices=())


@pytest.mark.parametrize("make", ALLOCATIONS.values(), ids=ALLOCATIONS)
def test_what_has_left_ranks_as_gone(make) -> None:
    scores = {"a:head": torch.tensor([2.0, GONE, 1.0]), "b:module": torch.tensor([GONE])}
    ranks = make()(scores, [GROUP, SINGLE], {"a:head": 5.0, "b:module": 0.0})
    assert (ranks["a:head"] == GONE).tolist() == [False, True, False]
    assert ranks["b:module"].tolist() == [GONE]
