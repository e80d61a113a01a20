from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from secateur.allocation import Budget, fill_within
from secateur.errors import TargetError
from secateur.group import Group

UNITS = 20


def group(name: str) -> Group:
    return Group(name=name, granularity="ffn_unit", module=name, units=UNITS, slices=())


GROUPS = [group("wide"), group("slow")]
SCORES = {g.name: torch.arange(1, UNITS + 1, dtype=torch.float64) for g in GROUPS}


def budget(kept: float, kept_macs: float | None = None, *, slow: float = 3.0) -> Budget:
    """Both sites hold the same parameters; a unit of the second costs `slow` times the MACs."""
    whole = 2 * UNITS * 10.0
    macs = {"wide": 1.0, "slow": slow}
    all_macs = UNITS * (1.0 + slow)
    bounds = () if kept_macs is None else (Budget(unit="macs", whole=all_macs, kept=kept_macs * all_macs, saved=macs),)
    return Budget(unit="params", whole=whole, kept=kept * whole, saved={"wide": 10.0, "slow": 10.0}, also=bounds)


def per_cost(saved: Mapping[str, float]) -> dict[str, Tensor]:
    return {site: scores / saved[site] for site, scores in SCORES.items()}


def gone(wanted: Budget, **options: float) -> dict[str, int]:
    shares = fill_within(per_cost, GROUPS, wanted, keep_at_least={}, round_to={}, **options)
    return {site: round(share * UNITS) for site, share in shares.items()}


def macs_left(left: Mapping[str, int]) -> float:
    return 1 - (left["wide"] + 3 * left["slow"]) / (4 * UNITS)


def test_without_a_bound_the_budget_is_filled() -> None:
    assert gone(budget(0.5)) == {"wide": 10, "slow": 10}


def test_a_bound_that_holds_changes_nothing() -> None:
    assert gone(budget(0.5, 0.6)) == gone(budget(0.5))


@pytest.mark.parametrize("kept_macs", [0.45, 0.4, 0.35, 0.26])
def test_a_bound_that_does_not_is_met_by_what_saves_most_of_it_and_the_first_stays_exact(kept_macs: float) -> None:
    left = gone(budget(0.5, kept_macs))
    assert sum(left.values()) == UNITS
    assert macs_left(left) <= kept_macs + 1e-9
    assert macs_left(left) > kept_macs - 0.06  # no further than a unit or two
    assert left["slow"] > left["wide"]


def test_where_no_order_meets_both_the_bound_is_filled_and_more_leaves() -> None:
    left = gone(budget(0.9, 0.2))
    assert macs_left(left) <= 0.2 + 1e-9
    assert sum(left.values()) > 0.1 * 2 * UNITS


SITES = ("one", "two", "three")
THREE = [group(site) for site in SITES]


def per_three(saved: Mapping[str, float]) -> dict[str, Tensor]:
    return {site: torch.arange(1, UNITS + 1, dtype=torch.float64) / saved[site] for site in SITES}


@pytest.mark.parametrize("kept", [(0.5, 0.5, 0.5), (0.5, 0.3, 0.3), (0.5, 0.25, 0.4), (0.9, 0.2, 0.2), (0.7, 0.6, 0.1)])
@pytest.mark.parametrize("turned", [False, True])
def test_bounds_that_pull_apart_all_hold(kept: tuple[float, float, float], turned: bool) -> None:
    """The first site is dear in MACs and the second in bytes, so what mends one of them breaks the other."""
    units = (("params", (1.0, 1.0, 1.0)), ("macs", (9.0, 1.0, 1.0)), ("bytes", (1.0, 9.0, 1.0)))
    params, *also = [
        Budget(
            unit=unit,
            whole=UNITS * sum(costs),
            kept=UNITS * sum(costs) * left,
            saved=dict(zip(SITES, costs, strict=True)),
        )
        for (unit, costs), left in zip(units, kept, strict=True)
    ]
    wanted = replace(params, also=tuple(reversed(also) if turned else also))
    shares = fill_within(per_three, THREE, wanted, keep_at_least={}, round_to={})
    for bound in (wanted, *wanted.also):
        gone = sum(UNITS * shares[site] * saved for site, saved in bound.saved.items())
        assert bound.whole - gone <= bound.kept + 1e-9


def test_on_the_way_a_share_of_every_bound_is_due() -> None:
    left = gone(budget(0.5, 0.4), share=0.5)
    assert sum(left.values()) == UNITS // 2
    assert macs_left(left) <= 1 - 0.5 * 0.6 + 1e-9


def test_a_bound_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(TargetError, match="asks to remove"):
        fill_within(per_cost, GROUPS, budget(0.5, 0.01), keep_at_least={"ffn_unit": 5}, round_to={})
