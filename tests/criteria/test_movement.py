from typing import Any

import pytest
import torch

from secateur.criteria import Movement
from secateur.errors import RecipeError


def test_a_weight_that_the_loss_pulls_towards_zero_loses_score_on_either_side() -> None:
    """Descent moves w by -dL/dw: away from zero where the signs differ."""
    weight, gradient = torch.tensor([1.0, 1.0, -1.0, -1.0]), torch.tensor([-0.5, 0.5, 0.5, -0.5])
    assert Movement().elements(weight, gradient, name="w").tolist() == [0.5, -0.5, 0.5, -0.5]


def test_a_units_term_is_the_negative_gradient_of_its_gate() -> None:
    weight = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gates = torch.ones(5, dtype=torch.float64, requires_grad=True)
    gated = (weight * gates).requires_grad_()
    gated.retain_grad()
    (gated.tanh() * torch.arange(15.0).reshape(3, 5)).sum().backward()
    elements = Movement().elements(weight, gated.grad, name="w")
    torch.testing.assert_close(Movement().units(elements.sum(0)), -gates.grad)


def test_a_weight_without_a_gradient_does_not_move() -> None:
    assert Movement().elements(torch.ones(2), None, name="w").tolist() == [0.0, 0.0]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": "harder"}, "`criterion.kind` must be hard or soft, but is 'harder'"),
    ({"learning_rate": 0}, "`criterion.learning_rate` must be a number above 0, but is 0"),
    ({"learning_rate": "fast"}, "but is 'fast'"),
    ({"learning_rate": float("inf")}, "but is inf"),
    ({"penalty": -1.0}, "`criterion.penalty` must be a number of at least 0, but is -1.0"),
    ({"penalty": True}, "but is True"),
    ({"penalty": float("nan")}, "but is nan"),
]


@pytest.mark.parametrize(("options", "fragment"), WRONG)
def test_a_wrong_option_is_said(options: dict[str, Any], fragment: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Movement(**options)
    assert fragment in str(caught.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(RecipeError, match="2 problems"):
        Movement(kind="x", penalty=-1)


def test_no_penalty_at_all_is_one() -> None:
    assert Movement(kind="soft", penalty=0).penalty == 0
