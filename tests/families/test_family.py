import pytest
from torch import nn

from secateur.families import FAMILIES, Family


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_listed_under_its_name_and_says_what_it_is(name: str) -> None:
    family = FAMILIES[name]
    assert isinstance(family, Family)
    assert family.name == name
    assert family.summary
    assert "\n" not in family.summary


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_family_does_not_match_just_anything(family: Family) -> None:
    assert not family.matches(nn.Linear(2, 2))
