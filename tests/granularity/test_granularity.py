import pytest

import tiny
from secateur.families import find_groups
from secateur.granularity import GRANULARITIES, members, zeroed

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
    for group in find_groups(tiny.ctc_for(name), [name], block=tiny.BLOCK):
        assert all((where.dim is None) == whole for where in group.slices)
        assert group.units == 1 or zeroed(group) or not whole


def test_units_become_zeros_in_place_where_they_are_part_of_one_weight() -> None:
    groups = {name: find_groups(tiny.ctc_for(name), [name], block=tiny.BLOCK) for name in GRANULARITIES}
    assert {name for name, found in groups.items() if all(map(zeroed, found))} == set(tiny.ZEROED)


@pytest.mark.parametrize("name", GRANULARITIES)
def test_a_single_weight_is_all_that_its_unit_holds(name: str) -> None:
    model = tiny.ctc_for(name)
    sizes = {tensor: parameter.shape for tensor, parameter in model.named_parameters()}
    held = {members(group, sizes) for group in find_groups(model, [name], block=tiny.BLOCK)}
    assert (held == {1}) is GRANULARITIES[name].single
