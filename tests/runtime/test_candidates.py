import pytest
import torch
from transformers.pytorch_utils import Conv1D

from secateur.errors import ModelError
from secateur.runtime.candidates import candidates, linear
from sparse_weights import sparse


def layer(tile: tuple[int, int], share: float) -> torch.nn.Linear:
    made = torch.nn.Linear(128, 64)
    with torch.no_grad():
        made.weight.copy_(sparse((64, 128), share, tile=tile))
    return made


@pytest.mark.parametrize(
    ("values", "tile", "share", "names"),
    [
        ("int8", (1, 1), 0.8, ["mask int8", "16x4 int8"]),
        ("int8", (16, 4), 0.8, ["16x4 int8", "16x1 int8", "mask int8"]),
        ("int8", (16, 1), 0.8, ["16x1 int8", "mask int8", "16x4 int8"]),
        ("int8", (1, 1), 0.0, []),
        ("fp32", (16, 1), 0.8, ["16x1 fp32", "mask fp32"]),
        ("fp32", (1, 1), 0.8, ["mask fp32"]),
        ("bf16", (1, 1), 0.8, ["mask bf16"]),
        ("bf16", (16, 4), 0.8, ["16x4 bf16", "16x1 bf16"]),
    ],
)
def test_every_kernel_whose_bytes_pay_is_one(values, tile, share: float, names: list[str]) -> None:
    found = [name for name, _ in candidates("a", layer(tile, share), values)]
    assert [name for name in found if name in names] == names
    assert not (found and not names)


def test_the_share_that_is_left_out_is_that_of_the_kernel() -> None:
    made = layer((16, 4), 0.8)
    zeros = float((made.weight == 0).float().mean())
    found = dict(candidates("a", made, "int8"))
    assert found["mask int8"].skipped == pytest.approx(zeros, abs=0.005)
    assert found["16x4 int8"].skipped == pytest.approx(zeros, abs=0.005)
    assert dict(candidates("a", layer((1, 1), 0.8), "int8"))["16x4 int8"].skipped == pytest.approx(0.0, abs=0.01)
    assert found["16x4 int8"].nbytes < found["mask int8"].nbytes < made.weight.numel()


def test_only_one_matrix_at_every_position_is_linear() -> None:
    class Own(torch.nn.Linear):
        pass

    assert linear(torch.nn.Linear(2, 2))
    assert linear(Conv1D(2, 2))
    assert linear(torch.nn.Conv1d(2, 2, 1))
    assert not linear(torch.nn.Conv1d(2, 2, 3))
    assert not linear(Own(2, 2))


def test_weights_that_are_not_finite_are_refused() -> None:
    made = layer((1, 1), 0.8)
    with torch.no_grad():
        made.weight[0, 0] = float("inf")
    with pytest.raises(ModelError, match=r"`a.weight` has not"):
        next(candidates("a", made, "int8"))
