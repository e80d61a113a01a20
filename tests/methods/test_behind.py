import torch
from torch import Tensor, nn

from secateur.families import find_groups
from secateur.group import Group
from secateur.methods.behind import Behind


def made() -> tuple[nn.Module, list[Group], Behind, dict[str, Tensor]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    groups = find_groups(model, ["element"])
    masks = {group.name: torch.arange(group.units) % 3 != 0 for group in groups}
    behind = Behind(model, groups)
    behind.choose(masks)
    return model, groups, behind, masks


def test_the_model_shows_what_was_chosen_and_then_all_again() -> None:
    model, groups, behind, masks = made()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    behind.show()
    assert behind.shown
    for group in groups:
        name = group.slices[0].tensor
        assert torch.equal(model.get_parameter(name).flatten(), before[name].flatten() * masks[group.name])
    assert torch.equal(model.state_dict()["0.bias"], before["0.bias"])
    behind.hide()
    assert not behind.shown
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_gradients_are_those_of_what_is_shown_and_reach_what_is_not() -> None:
    model, _, behind, masks = made()
    inputs = torch.randn(5, 3)
    behind.show()
    model(inputs).square().sum().backward()
    shown = [parameter.grad for parameter in model.parameters()]
    behind.hide()
    other, groups, _, _ = made()
    with torch.no_grad():
        for group in groups:
            other.get_parameter(group.slices[0].tensor).view(-1).mul_(masks[group.name])
    other(inputs).square().sum().backward()
    for one, parameter in zip(shown, other.parameters(), strict=True):
        assert one is not None
        assert parameter.grad is not None
        assert torch.equal(one, parameter.grad)
    first = model.get_parameter("0.weight").grad
    assert first is not None
    assert first.flatten()[~masks["0.weight:element"]].any()


def test_without_groups_nothing_is_hidden() -> None:
    model = nn.Linear(3, 2)
    behind = Behind(model, ())
    behind.choose({})
    behind.show()
    assert not behind.shown
    assert not behind.state()


def test_a_state_is_taken_up_by_a_model_that_shows_a_part() -> None:
    model, groups, behind, masks = made()
    whole = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    behind.show()
    other = Behind(model, groups)
    other.choose(masks)
    other.restore(behind.state())
    other.hide()
    assert all(torch.equal(tensor, whole[name]) for name, tensor in model.state_dict().items())
