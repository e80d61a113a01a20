import pytest
import torch

from secateur.allocation import GONE
from secateur.allocation.blocks import pieces
from secateur.group import Group

MODULE = Group(name="m", granularity="module", module="m", units=1, slices=())


def units(n: int, *, inside: tuple[str, ...] = ()) -> Group:
    return Group(name="u", granularity="ffn_unit", module="m", units=n, slices=(), inside=inside)


def cut(ranks: dict[str, list[float]], groups: list[Group], saved: dict[str, float], **limits):
    given = {site: torch.tensor(rank) for site, rank in ranks.items()}
    defaults = {"keep_at_least": {}, "round_to": {}, "frozen": {}}
    return pieces(given, groups, saved, **{**defaults, **limits})


@pytest.mark.parametrize(
    ("n", "step", "keep", "sizes"),
    [
        (4, 1, 0, [1, 1, 1, 1]),
        (4, 1, 1, [1, 1, 1]),
        (10, 4, 0, [2, 4, 4]),
        (10, 4, 1, [2, 4]),
        (8, 4, 1, [4]),
        (8, 4, 5, []),
        (3, 8, 0, [3]),
        (3, 8, 1, []),
    ],
)
def test_what_stays_is_a_multiple_and_at_least_the_minimum(n: int, step: int, keep: int, sizes: list[int]) -> None:
    limits = {"keep_at_least": {"ffn_unit": keep}, "round_to": {"ffn_unit": step}}
    found = cut({"u": list(map(float, range(n)))}, [units(n)], {"u": 1.0}, **limits)
    assert found.units.tolist() == sizes


def test_a_blocks_rank_is_the_mean_of_its_units_the_least_first() -> None:
    found = cut({"u": [4.0, 1.0, 3.0, 2.0]}, [units(4)], {"u": 5.0}, round_to={"ffn_unit": 2})
    assert found.rank.tolist() == [1.5, 3.5]
    assert found.saved.tolist() == [10.0, 10.0]


def test_units_that_have_left_come_first_and_the_others_keep_their_ranks() -> None:
    found = cut({"u": [4.0, GONE, 3.0, GONE]}, [units(4)], {"u": 1.0})
    assert found.rank.tolist() == [GONE, GONE, 3.0, 4.0]


def test_a_module_saves_what_is_left_of_it_beside_its_units() -> None:
    found = cut({"u": [1.0, 2.0], "m": [9.0]}, [MODULE, units(2, inside=("m",))], {"u": 10.0, "m": 23.0})
    assert (found.rank.tolist(), found.saved.tolist()) == ([1.0, 2.0, 9.0], [10.0, 10.0, 3.0])


@pytest.mark.parametrize(
    ("module", "owners"),
    [(0.5, [0, 0, 0, 0]), (1.0, [0, 0, 0, 0]), (1.5, [1, 0, 0, 0]), (3.0, [1, 1, 0, 0])],
)
def test_units_leave_with_their_module_at_the_latest(module: float, owners: list[int]) -> None:
    groups = [MODULE, units(3, inside=("m",))]
    limits = {"keep_at_least": {"ffn_unit": 1}}
    found = cut({"u": [1.0, 2.0, 3.0], "m": [module]}, groups, {"u": 1.0, "m": 4.0}, **limits)
    assert found.owner.tolist() == owners
    assert found.saved.sum() == 4.0


def test_pieces_that_may_leave_before_their_module_are_marked() -> None:
    groups = [MODULE, units(3, inside=("m",))]
    limits = {"keep_at_least": {"ffn_unit": 1}}
    found = cut({"u": [1.0, 2.0, 3.0], "m": [0.0]}, groups, {"u": 1.0, "m": 4.0}, **limits)
    marked = sorted(zip(found.site.tolist(), found.alone.tolist(), strict=True))
    assert marked == [(0, True), (1, False), (1, True), (1, True)]


@pytest.mark.parametrize(
    ("frozen", "left"), [({"m": 0}, [1.0, 2.0]), ({"u": 1}, [1.0, 9.0, 9.0]), ({"u": 0, "m": 0}, [])]
)
def test_a_frozen_site_keeps_its_later_blocks(frozen: dict[str, int], left: list[float]) -> None:
    groups = [MODULE, units(2, inside=("m",))]
    found = cut({"u": [1.0, 2.0], "m": [9.0]}, groups, {"u": 1.0, "m": 2.0}, frozen=frozen)
    assert found.rank.tolist() == left


def components(n: int, *, free: float) -> Group:
    return Group(name="u", granularity="rank", module="m", units=n, slices=(), free=free)


def test_units_that_save_nothing_leave_with_the_first_that_does() -> None:
    found = cut({"u": [1.0, 9.0, 2.0, 3.0, 4.0, 7.0]}, [components(6, free=2.5)], {"u": 10.0})
    assert found.units.tolist() == [3, 1, 1, 1]
    assert found.saved.tolist() == [5.0, 10.0, 10.0, 10.0]
    assert found.rank.tolist() == [3.0, 4.0, 7.0, 9.0]


def test_the_first_block_leaves_the_minimum_and_a_multiple() -> None:
    limits = {"keep_at_least": {"rank": 2}, "round_to": {"rank": 2}}
    found = cut({"u": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]}, [components(6, free=2.5)], {"u": 10.0}, **limits)
    assert found.units.tolist() == [4]


def test_where_only_the_minimum_could_leave_nothing_does() -> None:
    found = cut({"u": [1.0, 2.0]}, [components(2, free=1.5)], {"u": 10.0}, keep_at_least={"rank": 1})
    assert found.units.tolist() == []


def test_what_has_left_stays_out() -> None:
    found = cut({"u": [GONE, 7.0, GONE, GONE, 5.0]}, [components(5, free=2.0)], {"u": 1.0})
    assert found.units.tolist() == [3, 1, 1]
    assert found.rank.tolist() == [GONE, 5.0, 7.0]
    assert found.saved.tolist() == [1.0, 1.0, 1.0]
