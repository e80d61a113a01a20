"""Every kernel against sums one by one, at every level that this processor has."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from secateur.checkpoint.packed import pack
from secateur.runtime import SparseLinear
from secateur.runtime.cpu import CHOICE, NEEDED, host_features
from secateur.runtime.vectors import LEVEL
from sparse_weights import sparse

SHAPES = [(33, 70), (16, 64), (48, 101), (64, 19)]
TOKENS = [1, 2, 4, 5, 8, 9, 16, 17, 21, 35]
TILES = {"bitmask": (1, 1), "blocks": (16, 4)}


def layer(shape: tuple[int, int], share: float, encoding: str) -> tuple[SparseLinear, np.ndarray, np.ndarray]:
    """Return a layer, its weight as integers times scales in float64, and its bias."""
    weight, bias = sparse(shape, share, tile=TILES[encoding]), torch.randn(shape[0])
    packed = pack(weight, outputs=0, dtype="I8")
    assert packed is not None
    assert (packed.layout.encoding, packed.layout.width) == (encoding, 4)
    return SparseLinear(packed, bias), packed.values().double().numpy(), bias.double().numpy()


def rounded(tokens: np.ndarray) -> np.ndarray:
    largest = np.abs(tokens).max(1, keepdims=True)
    return np.rint(tokens * (np.float32(127.0) / largest)).astype(np.float64) * (largest / np.float32(127.0))


@pytest.mark.parametrize("count", TOKENS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("encoding", TILES)
def test_it_is_the_product_of_the_rounded(encoding: str, shape: tuple[int, int], count: int) -> None:
    sparse_layer, weight, bias = layer(shape, 0.7, encoding)
    tokens = torch.randn(count, shape[1])
    want = rounded(tokens.numpy()) @ weight.T + bias
    with torch.no_grad():
        found = sparse_layer(tokens).numpy()
    assert found.shape == want.shape
    assert np.abs(found - want).max() <= 1e-6 * np.abs(want).max() + 1e-6


def test_a_row_of_tiles_may_be_empty() -> None:
    weight = sparse((48, 64), 0.7, tile=(16, 4))
    weight[16:32] = 0.0
    packed = pack(weight, outputs=0, dtype="I8")
    assert packed is not None
    found = SparseLinear(packed)(torch.randn(3, 64))
    assert not found[:, 16:32].any()
    assert found[:, :16].any()


@pytest.mark.parametrize("encoding", TILES)
@pytest.mark.parametrize(("one", "other"), [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)])
def test_the_largest_sums_are_exact(one: float, other: float, encoding: str) -> None:
    """All at the ends of their range, of one sign: nothing saturates on the way."""
    weight = sparse((16, 512), 0.5, tile=TILES[encoding])
    weight[weight != 0] = one
    packed = pack(weight, outputs=0, dtype="I8")
    assert packed is not None
    for count in (1, 4, 17):
        found = SparseLinear(packed)(torch.full((count, 512), 2.0 * other))
        assert torch.allclose(found, 2.0 * other * weight.sum(1).expand(count, 16), rtol=1e-6)


LEVELS = [level for level, needed in NEEDED.items() if needed <= host_features()]


@pytest.mark.skipif(CHOICE in os.environ, reason="is run at a level already")
@pytest.mark.parametrize("level", [level for level in LEVELS if level != LEVEL])
def test_lower_levels_pass_these_tests_too(level: str) -> None:
    files = [
        __file__,
        *(
            str(Path(__file__).with_name(f"test_{name}.py"))
            for name in (
                "quantize",
                "floats",
                "masked",
                "expand",
                "dot",
                "panels",
                "activations",
                "norms",
                "gated",
                "heads",
            )
        ),
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *files]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, CHOICE: level})
    assert ran.returncode == 0, ran.stdout[-3000:]
