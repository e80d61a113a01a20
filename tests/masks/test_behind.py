import torch
from torch import Tensor, nn

from secateur.masks import Behind


def half(name: str, weight: Tensor) -> Tensor:
    """Show every third number as zero."""
    return weight * (torch.arange(weight.numel()) % 3 != 0).view_as(weight)


def made() -> tuple[nn.Module, dict[str, Tensor], Behind]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    whole = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    return model, whole, Behind({name: model.get_parameter(name) for name in ("0.weight", "1.weight")})


def same(model: nn.Module, tensors: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, tensors[name]) for name, tensor in model.state_dict().items())


def test_the_model_shows_what_was_made_of_its_weights_and_then_all_again() -> None:
    model, whole, behind = made()
    behind.show(half)
    assert behind.shown
    shown = {name: half(name, tensor) if "weight" in name else tensor for name, tensor in whole.items()}
    assert same(model, shown)
    behind.hide()
    assert not behind.shown
    assert same(model, whole)


def test_gradients_are_those_of_what_is_shown_and_reach_what_is_not() -> None:
    model, whole, behind = made()
    inputs = torch.randn(5, 3)
    behind.show(half)
    model(inputs).square().sum().backward()
    behind.hide()
    other = made()[0]
    with torch.no_grad():
        for name in ("0.weight", "1.weight"):
            other.get_parameter(name).copy_(half(name, whole[name]))
    other(inputs).square().sum().backward()
    for mine, its in zip(model.parameters(), other.parameters(), strict=True):
        assert mine.grad is not None
        assert its.grad is not None
        assert torch.equal(mine.grad, its.grad)
    first = model.get_parameter("0.weight").grad
    assert first is not None
    assert first.flatten()[::3].any()


def test_without_weights_nothing_is_shown() -> None:
    behind = Behind({})
    behind.show(half)
    assert not behind.shown
    assert not behind.state()


def test_what_is_shown_may_stay_for_good() -> None:
    model, whole, behind = made()
    behind.show(half)
    behind.forget()
    behind.hide()
    assert not behind.shown
    assert not same(model, whole)


def test_a_state_is_taken_up_by_a_model_that_shows_what_belongs_to_it() -> None:
    model, whole, behind = made()
    behind.show(half)
    other = Behind({name: model.get_parameter(name) for name in ("0.weight", "1.weight")})
    other.restore(behind.state())
    assert other.shown
    other.hide()
    assert same(model, whole)
