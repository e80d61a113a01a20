import pytest
import torch

from secateur.criteria import Wanda, reads_batches, reads_inputs


@pytest.mark.parametrize(
    ("weight", "square", "contribution"), [(2.0, 3.0, 12.0), (-2.0, 3.0, 12.0), (2.0, 0.0, 0.0), (2.0, None, 0.0)]
)
def test_a_weight_contributes_its_energy_times_that_of_its_input(weight, square, contribution: float) -> None:
    seen = None if square is None else torch.tensor([square])
    assert Wanda().elements(torch.tensor([weight]), seen, name="w").item() == contribution


def test_single_weights_are_ordered_by_weight_times_norm() -> None:
    weight, inputs = torch.randn(6, 4), torch.randn(50, 4)
    ours = Wanda().elements(weight, inputs.square().mean(0)[None], name="w")
    assert torch.equal(ours.flatten().argsort(), (weight.abs() * inputs.norm(dim=0)).flatten().argsort())


def test_a_units_score_is_the_energy_that_it_brings_to_what_reads_it() -> None:
    weight, inputs = torch.randn(6, 4, dtype=torch.float64), torch.randn(50, 4, dtype=torch.float64)
    ours = Wanda().units(Wanda().elements(weight, inputs.square().mean(0)[None], name="w").sum(0))
    for unit in range(4):
        brought = inputs[:, unit, None] * weight[:, unit]
        assert float(ours[unit]) == pytest.approx(float(brought.square().sum(1).mean()))


def test_it_reads_inputs_and_no_gradient() -> None:
    assert not Wanda.needs_gradient
    assert reads_inputs(Wanda())
    assert reads_batches(Wanda())
