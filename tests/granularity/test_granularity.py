import pytest

import tiny
from secateur.families import find_groups
from secateur.granularity import GRANULARITIES

CUT_OUT = ("slice", "component")


@pytest.mark.parametrize("name", GRANULARITIES)
def test_a_granularity_is_listed_under_its_name_and_says_what_it_is(name: str) -> None:
    assert GRANULARITIES[name].name == name
    assert GRANULARITIES[name].summary.endswith(".")


@pytest.mark.parametrize("name", GRANULARITIES)
def test_only_indices_that_are_cut_out_have_a_minimum_or_a_multiple(name: str) -> None:
    granularity = GRANULARITIES[name]
    assert granularity.leaves in CUT_OUT or (granularity.keep_at_least == 0 and not granularity.rounds)


@pytest.mark.parametrize("name", GRANULARITIES)
def test_the_slices_of_a_site_are_of_the_kind_that_leaves(name: str) -> None:
    whole = GRANULARITIES[name].leaves not in CUT_OUT
    for group in find_groups(tiny.ctc_for(name), [name]):
        assert all((where.dim is None) == whole for where in group.slices)
        assert group.units == 1 or name == "element" or not whole
