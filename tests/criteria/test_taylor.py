import pytest
import torch

from secateur.criteria import Taylor


@pytest.mark.parametrize(
    ("weight", "gradient", "contribution"), [(2.0, -3.0, -6.0), (0.0, 5.0, 0.0), (-2.0, -3.0, 6.0), (2.0, None, 0.0)]
)
def test_a_weights_contribution_is_signed(weight: float, gradient: float | None, contribution: float) -> None:
    given = None if gradient is None else torch.tensor([gradient])
    assert Taylor().elements(torch.tensor([weight]), given, name="w").item() == contribution


def test_contributions_of_a_unit_may_cancel() -> None:
    elements = Taylor().elements(torch.tensor([2.0, 3.0]), torch.tensor([-3.0, 2.0]), name="w")
    assert Taylor().units(elements.sum()).item() == 0.0


def test_the_score_is_the_squared_loss_change_of_a_linear_loss() -> None:
    weight, slope = torch.tensor([0.5, -1.5, 2.0]), torch.tensor([3.0, 1.0, -2.0])
    without = torch.stack([(weight * slope).sum() - (weight * slope)[i] for i in range(3)])
    change = ((weight * slope).sum() - without).square()
    assert torch.equal(Taylor().units(Taylor().elements(weight, slope, name="w")), change)
