import pytest
import torch

from secateur.criteria import Fisher, Taylor


@pytest.mark.parametrize(
    ("weight", "gradient", "contribution"), [(2.0, -3.0, 18.0), (0.0, 5.0, 0.0), (-2.0, -3.0, 18.0), (2.0, None, 0.0)]
)
def test_a_weights_contribution_is_half_its_information_times_its_energy(weight, gradient, contribution: float) -> None:
    given = None if gradient is None else torch.tensor([gradient])
    assert Fisher().elements(torch.tensor([weight]), given, name="w").item() == contribution


def test_contributions_of_a_unit_never_cancel() -> None:
    elements = Fisher().elements(torch.tensor([2.0, 3.0]), torch.tensor([-3.0, 2.0]), name="w")
    assert Fisher().units(elements.sum()).item() == 36.0


def test_the_score_is_the_loss_that_is_added_where_the_curvature_is_what_it_is_taken_for() -> None:
    """A quadratic loss at its minimum, whose curvature is the squared gradient."""
    weight, gradient = torch.tensor([0.5, -1.5, 2.0]), torch.tensor([3.0, 1.0, -2.0])
    added = [0.5 * float(g**2 * (0 - w) ** 2) for w, g in zip(weight, gradient, strict=True)]
    assert Fisher().units(Fisher().elements(weight, gradient, name="w")).tolist() == pytest.approx(added)


def test_single_weights_have_the_first_order_scores_order() -> None:
    weight, gradient = torch.randn(50), torch.randn(50)
    ours = Fisher().units(Fisher().elements(weight, gradient, name="w"))
    theirs = Taylor().units(Taylor().elements(weight, gradient, name="w"))
    assert torch.equal(ours.argsort(), theirs.argsort())
