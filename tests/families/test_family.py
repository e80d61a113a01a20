import pytest
from torch import nn

from secateur.families import FAMILIES, Family, Hearing


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


@pytest.mark.parametrize(("mel_frames", "rows"), [(1, 100), (2, 50), (0, 16_000)])
def test_a_second_of_speech_is_that_many_rows_of_input(mel_frames: int, rows: int) -> None:
    hearing = Hearing(mel_frames=mel_frames, normalized=True, masks_padding=bool, frames=lambda _, lengths: lengths)
    assert hearing.per_second == rows
