import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from secateur.methods.matrices import as_matrices, as_weight

LAYERS = {
    "linear": (nn.Linear(4, 6), (1, 6, 4)),
    "transposed": (Conv1D(6, 4), (1, 6, 4)),
    "filter": (nn.Conv1d(4, 6, 3), (3, 6, 4)),
    "image": (nn.Conv2d(4, 6, (3, 2)), (6, 6, 4)),
    "depthwise": (nn.Conv1d(4, 4, 5, groups=4), (5, 4, 1)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_weight_is_a_stack_of_matrices_and_itself_again(name: str) -> None:
    layer, shape = LAYERS[name]
    weight = layer.weight.detach()
    matrices = as_matrices(layer, weight)
    assert tuple(matrices.shape) == shape
    assert torch.equal(as_weight(layer, matrices, tuple(weight.shape)), weight)


@pytest.mark.parametrize(("name", "inputs"), [("linear", (3, 4)), ("transposed", (3, 4))])
def test_the_matrix_multiplies_inputs(name: str, inputs: tuple[int, int]) -> None:
    layer, _ = LAYERS[name]
    seen = torch.randn(inputs)
    torch.testing.assert_close(layer(seen) - layer.bias, seen @ as_matrices(layer, layer.weight)[0].T)


def test_a_filter_has_a_matrix_per_position() -> None:
    layer, _ = LAYERS["filter"]
    seen = torch.randn(1, 4, 3)
    written = sum(matrix @ seen[0, :, place] for place, matrix in enumerate(as_matrices(layer, layer.weight)))
    torch.testing.assert_close(layer(seen)[0, :, 0], written + layer.bias)
