import pytest
import torch
from torch import nn

import tiny
from secateur.training import reestimate


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.9)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.drop(x))


def batches(count: int) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [{"x": 5 + 2 * torch.randn(50, 3, generator=generator)} for _ in range(count)]


def test_statistics_become_the_means_over_the_batches() -> None:
    model, given = Net(), batches(4)
    model.norm.running_mean.fill_(100.0)
    reestimate(model, given)
    torch.testing.assert_close(model.norm.running_mean, torch.stack([b["x"].mean(0) for b in given]).mean(0))
    torch.testing.assert_close(model.norm.running_var, torch.stack([b["x"].var(0) for b in given]).mean(0))


@pytest.mark.parametrize("training", [True, False])
def test_everything_else_is_as_it_was(training: bool) -> None:
    model = Net().train(training)
    model.drop.eval()
    weights = [p.clone() for p in model.parameters()]
    reestimate(model, batches(2))
    assert model.norm.momentum == 0.1
    assert model.training is training
    assert model.norm.training is training
    assert not model.drop.training
    assert all(torch.equal(one, other) for one, other in zip(weights, model.parameters(), strict=True))


def test_no_batches_leave_the_statistics() -> None:
    model = Net()
    model.norm.running_mean.fill_(100.0)
    reestimate(model, [])
    assert model.norm.running_mean.tolist() == [100.0] * 3


def test_a_recognizer_whose_statistics_were_spoilt_hears_again() -> None:
    model = tiny.ctc(layers=1)
    given = [tiny.batch(seed, dtype=torch.float32) for seed in range(4)]
    reestimate(model, given)
    good = tiny.output(model)
    model.encoder.layers[0].conv.norm.running_mean.fill_(50.0)
    assert not torch.allclose(tiny.output(model), good)
    reestimate(model, given)
    torch.testing.assert_close(tiny.output(model), good)
