import pytest

from secateur.criteria import CRITERIA


@pytest.mark.parametrize("make", CRITERIA.values(), ids=CRITERIA)
def test_a_criterion_says_what_it_reads(make) -> None:
    criterion = make()
    assert isinstance(criterion.needs_gradient, bool)
    assert isinstance(criterion.gate_only, bool)


@pytest.mark.parametrize("make", CRITERIA.values(), ids=CRITERIA)
def test_equal_options_make_equal_criteria(make) -> None:
    assert make() == make()
    assert hash(make()) == hash(make())
