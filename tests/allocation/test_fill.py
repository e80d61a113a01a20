from dataclasses import replace

import pytest
import torch

from secateur.allocation import GONE, STAYS, fill, most_removable
from secateur.errors import TargetError
from secateur.group import Group, Runs


def site(name: str, n: int, *, granularity: str = "ffn_unit", inside: tuple[str, ...] = ()) -> Group:
    return Group(name=name, granularity=granularity, module=name, units=n, slices=(), inside=inside)


def module(name: str, *, inside: tuple[str, ...] = ()) -> Group:
    return site(name, 1, granularity="module", inside=inside)


def shares(ranks: dict[str, list[float]], groups: list[Group], saved: dict[str, float], *, removed: float, **limits):
    given = {name: torch.tensor(rank) for name, rank in ranks.items()}
    return fill(given, groups, saved, removed=removed, **{"keep_at_least": {}, "round_to": {}, **limits})


@pytest.mark.parametrize(
    ("removed", "gone"),
    [(0.0, (0, 0)), (-1.0, (0, 0)), (1.0, (1, 0)), (10.0, (1, 0)), (11.0, (1, 1)), (40.0, (2, 2)), (70.0, (4, 3))],
)
def test_the_lowest_ranks_of_all_sites_leave_until_it_is_enough(removed: float, gone: tuple[int, int]) -> None:
    groups = [site("a", 4), site("b", 3)]
    ranks = {"a": [1.0, 3.0, 5.0, 7.0], "b": [2.0, 4.0, 6.0]}
    found = shares(ranks, groups, {"a": 10.0, "b": 10.0}, removed=removed)
    assert found == {"a": gone[0] / 4, "b": gone[1] / 3}


def test_a_sum_that_only_rounding_keeps_from_the_target_is_enough() -> None:
    assert shares({"a": [1.0, 2.0, 3.0]}, [site("a", 3)], {"a": 0.1}, removed=0.1 + 0.1 + 1e-12) == {"a": 2 / 3}


def test_a_module_takes_what_is_inside_with_it_even_what_must_stay() -> None:
    groups = [module("m"), site("u", 3, inside=("m",)), site("v", 3)]
    ranks = {"m": [1.5], "u": [1.0, 5.0, 6.0], "v": [2.0, 3.0, 4.0]}
    saved = {"m": 35.0, "u": 10.0, "v": 10.0}
    assert shares(ranks, groups, saved, removed=35.0, keep_at_least={"ffn_unit": 1}) == {"m": 1.0, "u": 1.0, "v": 0.0}


def test_a_block_that_overshoots_is_passed_over_for_smaller_ones() -> None:
    groups = [module("m"), site("v", 10)]
    ranks = {"m": [0.0], "v": list(map(float, range(1, 11)))}
    assert shares(ranks, groups, {"m": 100.0, "v": 10.0}, removed=45.0) == {"m": 0.0, "v": 0.5}
    assert shares(ranks, groups, {"m": 100.0, "v": 10.0}, removed=95.0) == {"m": 1.0, "v": 0.0}


def test_where_smaller_blocks_do_not_suffice_the_closest_cut_is_taken() -> None:
    groups = [module("m"), module("n"), site("v", 2)]
    ranks = {"m": [1.0], "n": [0.0], "v": [2.0, 3.0]}
    assert shares(ranks, groups, {"m": 70.0, "n": 100.0, "v": 10.0}, removed=50.0) == {"m": 1.0, "n": 0.0, "v": 0.0}


def test_units_inside_of_something_with_a_lower_rank_count_as_smaller_blocks() -> None:
    groups = [module("m"), module("n"), *(site(name, 10, inside=(inside,)) for name, inside in ("um", "vn"))]
    ranks = {"m": [0.0], "n": [0.1], "u": [5.0] * 10, "v": [6.0] * 10}
    found = shares(ranks, groups, {"m": 100.0, "n": 100.0, "u": 10.0, "v": 10.0}, removed=125.0)
    assert found == {"m": 1.0, "n": 0.0, "u": 1.0, "v": 0.3}


@pytest.mark.parametrize(("removed", "gone"), [(5.0, 2), (20.0, 2), (21.0, 3)])
def test_what_has_left_stays_out_however_little_is_wanted(removed: float, gone: int) -> None:
    assert shares({"a": [GONE, 2.0, GONE, 1.0]}, [site("a", 4)], {"a": 10.0}, removed=removed) == {"a": gone / 4}


@pytest.mark.parametrize(
    ("at_most", "gone"), [(None, (0, 1)), (90.0, (0, 1)), (91.0, (1, 0)), (100.0, (1, 0)), (500.0, (1, 0))]
)
def test_on_the_way_to_a_larger_target_a_module_may_leave_early(at_most: float | None, gone: tuple[int, int]) -> None:
    groups = [module("m"), site("v", 10)]
    ranks = {"m": [0.0], "v": list(map(float, range(1, 11)))}
    found = shares(ranks, groups, {"m": 100.0, "v": 10.0}, removed=10.0, at_most=at_most)
    assert found == {"m": gone[0], "v": gone[1] / 10}


@pytest.mark.parametrize(
    ("ranks", "removed", "gone"),
    [
        ({"a": [1.0, 3.0], "b": [2.0, 4.0, 0.0]}, 3, {"a": 1, "b": 2}),
        ({"a": [0.0, 0.0], "b": [0.0, 0.0, 0.0]}, 3, {"a": 2, "b": 1}),
        ({"a": [0.0, 0.0], "b": [0.0, 0.0, 0.0]}, 5, {"a": 2, "b": 3}),
        ({"a": [GONE, 3.0], "b": [2.0, 4.0, 1.0]}, 2.5, {"a": 1, "b": 2}),
        ({"a": [STAYS, 3.0], "b": [2.0, STAYS, 1.0]}, 3, {"a": 1, "b": 2}),
    ],
)
def test_single_weights_leave_by_one_threshold_ties_in_the_order_of_the_sites(ranks, removed: float, gone) -> None:
    groups = [site("a", 2, granularity="element"), site("b", 3, granularity="element")]
    found = shares(ranks, groups, {"a": 1.0, "b": 1.0}, removed=removed)
    assert found == {"a": gone["a"] / 2, "b": gone["b"] / 3}


@pytest.mark.parametrize(
    ("granularity", "removed"), [("element", 0.0), ("element", 1.0), ("ffn_unit", 0.0), ("ffn_unit", 10.0)]
)
def test_what_has_left_leaves_again_however_little_is_wanted(granularity: str, removed: float) -> None:
    groups = [site("a", 4, granularity=granularity)]
    saved = {"a": 1.0 if granularity == "element" else 10.0}
    assert shares({"a": [1.0, GONE, 2.0, GONE]}, groups, saved, removed=removed) == {"a": 0.5}


@pytest.mark.parametrize(
    ("granularity", "runs", "most"),
    [("element", None, 8.0), ("n_of_m", Runs(stay=2, of=4), 4.0), ("n_of_m", Runs(stay=1, of=4), 6.0)],
)
def test_the_most_that_can_leave_of_single_weights_is_all_that_no_run_holds(granularity: str, runs, most) -> None:
    groups = [replace(site("a", 8, granularity=granularity), runs=runs)]
    assert most_removable(groups, {"a": 1.0}, keep_at_least={}, round_to={}) == most


def test_single_weights_are_kept_where_so_many_must_be() -> None:
    groups = [site("a", 4, granularity="element"), site("b", 4, granularity="element")]
    saved, limits = {"a": 1.0, "b": 1.0}, {"keep_at_least": {"element": 3}, "round_to": {}}
    ranks = {"a": [1.0, 2.0, 3.0, 4.0], "b": [5.0, 6.0, 7.0, 8.0]}
    assert shares(ranks, groups, saved, removed=2.0, **limits) == {"a": 0.25, "b": 0.25}
    assert most_removable(groups, saved, **limits) == 2.0
    here = {"a": torch.zeros(4, dtype=torch.bool)}
    assert most_removable(groups, saved, **limits, here=here) == 5.0  # what has left does not come back


@pytest.mark.parametrize(("kept", "most"), [([0, 0, 0, 1, 1, 1, 1, 1], 5.0), ([0, 0, 0, 0, 0, 0, 1, 1], 6.0)])
def test_of_a_run_that_lacks_more_than_it_may_lose_no_other_leaves(kept: list[int], most: float) -> None:
    groups = [replace(site("a", 8, granularity="n_of_m"), runs=Runs(stay=2, of=4))]
    here = {"a": torch.tensor(kept, dtype=torch.bool)}
    assert most_removable(groups, {"a": 1.0}, keep_at_least={}, round_to={}, here=here) == most


@pytest.mark.parametrize(("units", "dtype"), [(1 << 20, torch.float32), (1024, torch.bfloat16)])
def test_as_many_are_kept_of_a_matrix_of_any_size(units: int, dtype: torch.dtype) -> None:
    ranks, groups = {"a": torch.rand(units).to(dtype)}, [site("a", units, granularity="element")]
    limits = {"keep_at_least": {"element": units // 2}, "round_to": {}}
    assert fill(ranks, groups, {"a": 1.0}, removed=units / 2, **limits) == {"a": 0.5}
    with pytest.raises(TargetError, match="lower `keep_at_least`"):
        fill(ranks, groups, {"a": 1.0}, removed=units / 2 + 1, **limits)


@pytest.mark.parametrize(
    ("granularity", "limits", "removed", "fragment"),
    [
        ("ffn_unit", {}, 41.0, "asks to remove 41 where the sites chosen hold 40 in all"),
        ("ffn_unit", {"keep_at_least": {"ffn_unit": 1}}, 31.0, "lower `keep_at_least` or `round_to`"),
        ("element", {}, 5.0, "asks to remove 5 where the sites chosen hold 4"),
        ("element", {"keep_at_least": {"element": 2}}, 3.0, "lower `keep_at_least`"),
    ],
)
def test_more_than_there_is_cannot_leave(granularity: str, limits, removed: float, fragment: str) -> None:
    groups = [site("a", 4, granularity=granularity)]
    with pytest.raises(TargetError) as caught:
        shares({"a": [1.0, 2.0, 3.0, 4.0]}, groups, {"a": 10.0}, removed=removed, **limits)
    assert fragment in str(caught.value)


def test_what_may_not_leave_is_not_taken_for_what_is_missing() -> None:
    with pytest.raises(TargetError, match="part of which always stays"):
        shares({"a": [1.0, STAYS]}, [site("a", 2, granularity="element")], {"a": 1.0}, removed=2.0)
