import numpy as np
import pytest
import torch
from torch import nn

from secateur.runtime import accelerate
from secateur.runtime.choice import Chosen
from secateur.runtime.linear import SparseLinear, SparsePointwise
from secateur.runtime.rooms import Room
from secateur.runtime.rows import layer_for, multiply
from sparse_weights import zeroed


def layers() -> list[nn.Module]:
    torch.manual_seed(0)
    dense, convolution = nn.Linear(32, 48), nn.Conv1d(32, 20, 1)
    sparse = accelerate(zeroed(nn.Sequential(nn.Linear(32, 64), nn.Conv1d(32, 64, 1, bias=False))), choose="sparse")
    assert isinstance(sparse[0], SparseLinear)
    assert isinstance(sparse[1], SparsePointwise)
    both = Chosen({"sparse": sparse[0], "dense": nn.Linear(32, 64)}, {1: "sparse", 100: "dense"}, in_features=32)
    return [dense, convolution, *sparse, both]


def product(layer: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    if isinstance(layer, nn.Conv1d | SparsePointwise):
        return layer(tokens.T[None])[0].T
    return layer(tokens)


@pytest.mark.parametrize("count", [1, 5, 16, 40])
def test_every_kind_of_layer_multiplies_rows(count: int) -> None:
    tokens, every = torch.randn(count, 32), layers()
    with torch.no_grad():
        found = multiply(every, tokens.numpy(), Room(), name="x")
        for layer, rows in zip(every, found, strict=True):
            assert rows.flags.c_contiguous
            torch.testing.assert_close(torch.from_numpy(rows), product(layer, tokens))


def test_a_room_holds_what_sparse_layers_find() -> None:
    sparse, room = layers()[2], Room()
    first = multiply([sparse], np.ones((5, 32), np.float32), room, name="x")[0]
    assert np.shares_memory(first, multiply([sparse], np.ones((5, 32), np.float32), room, name="x")[0])


def test_the_number_of_tokens_decides() -> None:
    chosen = layers()[-1]
    assert isinstance(layer_for(chosen, 1), SparseLinear)
    assert isinstance(layer_for(chosen, 100), nn.Linear)
