import torch
from torch import nn

from secateur.distill import Taps


class Pair(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
        return x + 1, None


def test_outputs_come_in_the_order_asked_for_and_are_forgotten() -> None:
    model = nn.Sequential(nn.Identity(), nn.ReLU())
    taps = Taps(model, ["1", "0"])
    model(torch.tensor([-1.0]))
    assert [hidden.tolist() for hidden in taps.take()] == [[0.0], [-1.0]]
    assert taps.take() == []


def test_of_several_values_the_first_is_kept() -> None:
    model = nn.Sequential(Pair())
    taps = Taps(model, ["0"])
    model(torch.tensor([1.0]))
    assert taps.take()[0].tolist() == [2.0]


def test_removed_taps_leave_no_hook() -> None:
    model = nn.Sequential(nn.Identity())
    taps = Taps(model, ["0"])
    taps.remove()
    model(torch.tensor([1.0]))
    assert taps.take() == []
    assert not model[0]._forward_hooks


def test_a_module_that_was_skipped_passes_on_what_came_before() -> None:
    model = nn.Sequential(nn.Identity(), nn.ReLU(), nn.Identity(), nn.Tanh())
    taps = Taps(model, ["0", "1", "2", "3"])
    model[1](model[0](torch.tensor([-1.0])))
    assert [hidden.tolist() for hidden in taps.take()] == [[-1.0], [0.0], [0.0], [0.0]]
    model[1](torch.tensor([2.0]))
    assert [hidden.tolist() for hidden in taps.take()] == [[2.0]] * 4
