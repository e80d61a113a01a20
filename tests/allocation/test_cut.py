import math

import pytest
import torch

from secateur.allocation import GONE
from secateur.allocation.blocks import pieces
from secateur.allocation.cut import first_cut, give_back
from secateur.group import Group

MODULE = Group(name="m", granularity="module", module="m", units=1, slices=())
INSIDE = Group(name="u", granularity="ffn_unit", module="m", units=3, slices=(), inside=("m",))
BESIDE = Group(name="v", granularity="ffn_unit", module="v", units=3, slices=())
GROUPS = [MODULE, INSIDE, BESIDE]
SAVED = {"m": 100.0, "u": 20.0, "v": 10.0}


def order(module: float, inside: list[float], beside: list[float]):
    ranks = {"m": torch.tensor([module]), "u": torch.tensor(inside), "v": torch.tensor(beside)}
    return pieces(ranks, GROUPS, SAVED, keep_at_least={}, round_to={}, frozen={})


@pytest.mark.parametrize(
    ("removed", "gone", "excess", "site"),
    [
        (10.0, [0, 0, 1], 0.0, "v"),
        (11.0, [0, 1, 1], 19.0, "u"),
        (31.0, [1, 3, 1], 79.0, "m"),
        (111.0, [1, 3, 2], 9.0, "v"),
        (130.0, [1, 3, 3], 0.0, "v"),
    ],
)
def test_blocks_leave_in_order_until_it_is_enough(removed: float, gone: list[int], excess: float, site: str) -> None:
    """The order: a unit of v (10), one of u (20), the module with the other two of u (80), the rest of v."""
    cut = first_cut(order(3.0, [2.0, 5.0, 6.0], [1.0, 7.0, 8.0]), GROUPS, removed=removed, at_most=removed)
    assert cut is not None
    assert (cut.gone.tolist(), cut.excess, cut.site) == (gone, excess, site)
    assert cut.smallest == 10.0


@pytest.mark.parametrize(("at_most", "excess"), [(31.0, 79.0), (100.0, 10.0), (110.0, 0.0), (500.0, 0.0)])
def test_the_excess_is_what_is_beyond_the_most_that_is_wanted(at_most: float, excess: float) -> None:
    cut = first_cut(order(3.0, [2.0, 5.0, 6.0], [1.0, 7.0, 8.0]), GROUPS, removed=31.0, at_most=at_most)
    assert cut is not None
    assert cut.excess == excess


def test_all_together_may_be_too_little() -> None:
    assert first_cut(order(0.0, [1.0] * 3, [2.0] * 3), GROUPS, removed=131.0, at_most=131.0) is None


def test_what_has_left_before_is_no_block_that_could_be_passed_over() -> None:
    cut = first_cut(order(9.0, [9.0] * 3, [GONE, GONE, 5.0]), GROUPS, removed=5.0, at_most=5.0)
    assert cut is not None
    assert (cut.gone.tolist(), cut.excess, cut.smallest) == ([0, 0, 2], 15.0, math.inf)


@pytest.mark.parametrize(("removed", "beside"), [(100.0, 1), (110.0, 1), (111.0, 2), (121.0, 3)])
def test_blocks_before_the_last_stay_as_far_as_the_others_suffice(removed: float, beside: int) -> None:
    """One unit of v has left before; two (10 each) and the module (100) leave now."""
    ranks = order(3.0, [5.0] * 3, [GONE, 1.0, 2.0])
    cut = first_cut(ranks, GROUPS, removed=removed, at_most=removed)
    assert cut is not None
    assert cut.gone.tolist() == [1, 3, 3]
    back = give_back(cut, ranks, GROUPS)
    assert back.gone.tolist() == [1, 3, beside]
    assert back.excess == 100.0 + 10.0 * beside - removed


def test_what_is_inside_of_a_module_that_left_does_not_come_back() -> None:
    ranks = order(3.0, [1.0, 2.0, 5.0], [7.0] * 3)
    cut = first_cut(ranks, GROUPS, removed=50.0, at_most=50.0)
    assert cut is not None
    assert give_back(cut, ranks, GROUPS).gone.tolist() == [1, 3, 0]
