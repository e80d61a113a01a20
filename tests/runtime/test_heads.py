import numpy as np
import pytest
import torch
from torch import Tensor

from secateur.runtime.heads import attend, shapes, table


def by_definition(
    queries: Tensor, keys: Tensor, values: Tensor, biases: Tensor, rows: Tensor, lengths: Tensor
) -> Tensor:
    """Return attention in float64; `rows` (2 L - 1, H, K) are of distances L - 1 to -(L - 1)."""
    places = torch.arange(queries.shape[1])
    apart = len(rows) // 2 - (places[:, None] - places[None])
    content, place = (queries + bias for bias in biases)
    scores = torch.einsum("bihk,bjhk->bhij", content, keys) + torch.einsum("bihk,ijhk->bhij", place, rows[apart])
    kept = places < lengths[:, None]
    scores = scores.masked_fill(~(kept[:, None, :, None] & kept[:, None, None, :]), -1e30)
    return torch.einsum("bhij,bjhk->bihk", (scores * queries.shape[3] ** -0.5).softmax(-1), values)


@pytest.mark.parametrize(("places", "lengths"), [(1, [1]), (7, [7, 3]), (31, [31, 1, 0]), (40, [39, 40])])
@pytest.mark.parametrize("features", [4, 16, 48])
@pytest.mark.parametrize("longer", [0, 5])
def test_it_is_attention_with_relative_positions(places: int, lengths: list[int], features: int, longer: int) -> None:
    generator = torch.Generator().manual_seed(0)
    heads = 3
    queries, keys, values = torch.randn(3, len(lengths), places, heads, features, generator=generator)
    biases = torch.randn(2, heads, features, generator=generator)
    rows = torch.randn(2 * (places + longer) - 1, heads, features, generator=generator)
    room = [np.full(shape, np.nan, np.float32) for shape in shapes(places, features).values()]
    out = np.empty(queries.shape, np.float32)
    scale = np.float32(features**-0.5)
    arrays = [one.contiguous().numpy() for one in (queries, keys, values)]
    attend(*arrays, np.array(lengths), *biases.numpy(), scale, *table(rows.numpy()), *room, out)
    numbers = [one.double() for one in (queries, keys, values, biases, rows)]
    want = by_definition(*numbers, torch.tensor(lengths)).float()
    torch.testing.assert_close(torch.from_numpy(out), want, atol=1e-5, rtol=1e-5)
