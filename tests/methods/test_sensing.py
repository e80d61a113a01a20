import pytest
import torch
from torch import nn

from secateur.methods.sensing import DAMPING, MEMORY, SENSING, Gaussian, Identity, Inputs, Loss

LIKE = torch.zeros(3, 8)


def heard(sensing: Inputs, layer: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    sensing.listen(layer, ["weight"])
    layer(batch).sum().backward()
    sensing.hear(layer, {})
    found = sensing.moments("weight", 8, step=1, like=LIKE)
    assert found is not None
    return found


def test_the_identity_is_none() -> None:
    assert Identity().moments("w", 8, step=1, like=LIKE) is None


@pytest.mark.parametrize("measurements", [0.5, 2.0])
def test_random_measurements_have_their_rank_and_a_diagonal_of_one(measurements: float) -> None:
    drawn = [Gaussian(measurements=measurements, seed=s).moments("w", 400, step=1, like=LIKE) for s in (0, 0, 1)]
    assert drawn[0] is not None
    assert drawn[1] is not None
    assert drawn[2] is not None
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert int(torch.linalg.matrix_rank(drawn[0])) == min(400, int(400 * measurements))
    assert float(drawn[0].diagonal().mean()) == pytest.approx(1.0, abs=0.02)


def test_every_due_step_measures_anew_once_for_every_size() -> None:
    sensing = Gaussian(seed=0)
    one, same, other = (sensing.moments(name, 8, step=step, like=LIKE) for name, step in (("w", 1), ("v", 1), ("w", 2)))
    assert one is same
    assert one is not None
    assert other is not None
    assert not torch.equal(one, other)


def test_inputs_are_averaged_over_batches_and_scaled() -> None:
    torch.manual_seed(0)
    layer, sensing = nn.Linear(8, 3), Inputs()
    batches = [torch.randn(20, 8), torch.randn(20, 8)]
    each = [batch.T @ batch / 20 for batch in batches]
    for found, mean in (
        (heard(sensing, layer, batches[0]), each[0]),
        (heard(sensing, layer, batches[1]), MEMORY * each[0] + (1 - MEMORY) * each[1]),
    ):
        expected = mean / mean.diagonal().mean() + DAMPING * torch.eye(8)
        torch.testing.assert_close(found, expected)


def test_only_the_batches_listened_to_are_seen_and_hooks_go() -> None:
    layer, sensing = nn.Linear(8, 3), Inputs()
    before = heard(sensing, layer, torch.randn(20, 8))
    layer(100 * torch.randn(20, 8)).sum().backward()
    sensing.hear(layer, {})
    after = sensing.moments("weight", 8, step=2, like=LIKE)
    assert after is not None
    assert torch.equal(before, after)
    assert not layer._forward_pre_hooks


def test_what_was_not_seen_as_vectors_of_the_size_is_seen_through_the_identity() -> None:
    sensing = Inputs()
    assert sensing.moments("weight", 8, step=1, like=LIKE) is None
    sensing.restore({"weight": torch.eye(4)})
    assert sensing.moments("weight", 1, step=1, like=LIKE) is None


def test_moments_have_all_digits_in_mixed_precision() -> None:
    layer, batch = nn.Linear(8, 3), 10 * torch.randn(8000, 8)
    plain, mixed = Inputs(), Inputs()
    wanted = heard(plain, layer, batch)
    with torch.autocast("cpu", torch.float16):
        found = heard(mixed, layer, batch)
    torch.testing.assert_close(found, wanted)


def test_gradients_that_overflowed_do_not_count() -> None:
    sensing, layer = Loss(), nn.Linear(2, 1)
    for bias in (0.0, float("inf"), 0.0):  # what overflows is not the weight's own
        layer.weight.grad, layer.bias.grad = torch.tensor([[3.0, 1.0]]), torch.tensor([bias])
        nn.utils.clip_grad_norm_(layer.parameters(), 100.0)
        sensing.hear(layer, {"weight": layer.weight})
    metric = sensing.metric("weight")
    assert metric is not None
    assert metric.tolist() == [[3.0, 1.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_prices_have_single_precision_whatever_the_weights_have(dtype: torch.dtype) -> None:
    sensing, layer = Loss(), nn.Linear(64, 64, bias=False).to(dtype)
    for _ in range(30):
        layer.weight.grad = (1e-4 * torch.randn(64, 64)).to(dtype)
        sensing.hear(layer, {"weight": layer.weight})
    metric = sensing.metric("weight")
    assert metric is not None
    assert metric.dtype == torch.float32
    assert len(metric.unique()) > 4000


def test_a_state_carries_over() -> None:
    one, other = Inputs(), Inputs()
    found = heard(one, nn.Linear(8, 3), torch.randn(20, 8))
    other.restore(one.state())
    again = other.moments("weight", 8, step=1, like=LIKE)
    assert again is not None
    assert torch.equal(found, again)
    assert set(SENSING) == {"identity", "gaussian", "inputs", "loss"}
