"""Attention with relative positions, as FastConformers have it, in fewer passes over memory."""

from collections.abc import Callable
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.parakeet.modeling_parakeet import ParakeetEncoder, ParakeetEncoderAttention

from secateur.runtime.heads import attend, shapes, table
from secateur.runtime.positions import Positions
from secateur.runtime.rooms import Array, Room
from secateur.runtime.rows import multiply

KERNEL: Final = "sdpa"
"""What `transformers` calls the attention that is done here; a model set to another keeps it."""


CHOSEN: Final = "_attn_implementation"
"""Where a configuration keeps which one it is set to."""


@final
class RelativeAttention(nn.Module):
    r"""What `ParakeetEncoderAttention` does, for inference.

    .. math:: a_{ij} = ((q_i + u)^\top k_j + (q_i + v)^\top r_{i-j}) / \sqrt{K}

    The second term is computed for every distance, and each row read from where its own distances begin: a view, where
    the original copies all rows twice to shift them. The scale is on the queries, which are smaller; padding is masked
    only where there is some.
    """

    def __init__(self, module: Any, room: Room, positions: Callable[[Tensor], Tensor | None]) -> None:
        """Take over a module's layers; `positions` returns what embeddings are the middle of (`Positions.holds`)."""
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = module.q_proj, module.k_proj, module.v_proj
        self.o_proj, self.relative_k_proj = module.o_proj, module.relative_k_proj
        self.bias_u, self.bias_v = module.bias_u, module.bias_v
        self.head_dim: int = module.head_dim
        self.scaling: float = module.scaling
        self._room, self._positions = room, positions
        self._table: tuple[Tensor, Array, int] | None = None

    def forward(
        self, hidden_states: Tensor, position_embeddings: Tensor, attention_mask: Tensor | None = None, **_: Any
    ) -> tuple[Tensor, None]:
        """Return (B, T, D) and no weights; positions (B, 2 T - 1, D), mask (B, 1, T, T) of what may be looked at."""
        queries, keys, values = (self._heads(layer(hidden_states)) for layer in (self.q_proj, self.k_proj, self.v_proj))
        distances = self._heads(self.relative_k_proj(position_embeddings))
        by_place = (queries + self.bias_v[:, None]) * self.scaling
        added = shifted(by_place @ distances.transpose(2, 3))
        if attention_mask is not None and not bool(attention_mask.all()):
            added = added.masked_fill(attention_mask.logical_not(), torch.finfo(added.dtype).min)
        found = functional.scaled_dot_product_attention(
            queries + self.bias_u[:, None], keys, values, attn_mask=added, scale=self.scaling
        )
        return self.o_proj(found.transpose(1, 2).flatten(2)), None

    def heard(self, tokens: Array, position_embeddings: Tensor, lengths: npt.NDArray[np.int64]) -> Array:
        """Return what attention makes of tokens (M, D) of utterances of such lengths, padded: (M, D), in the room.

        All utterances share their position embeddings (`positions.shared`).
        """
        room, batch = self._room, len(lengths)
        places = len(tokens) // batch
        content, *others = self.tables(position_embeddings, places)
        asked = multiply((self.q_proj, self.k_proj, self.v_proj), tokens, room, name="asked")
        parted = [one.reshape(batch, places, *content.shape) for one in asked]
        out = room.take("attended", batch, places, *content.shape)
        attend(*parted, lengths, content, *others, out)
        return multiply((self.o_proj,), out.reshape(len(tokens), -1), room, name="turned")[0]

    def tables(self, position_embeddings: Tensor, places: int) -> tuple[Any, ...]:
        """Return what `heads.attend` needs besides queries, keys, values and lengths, in its order, up to `out`."""
        content, place = self.bias_u.detach().numpy(), self.bias_v.detach().numpy()
        needed = self._room.prepare("heads", (places, self.head_dim), lambda: self._needed(places))
        return content, place, np.float32(self.scaling), *self._distances(position_embeddings), *needed

    def _needed(self, places: int) -> list[Array]:
        return [self._room.take(f"head {name}", *shape) for name, shape in shapes(places, self.head_dim).items()]

    def _distances(self, embeddings: Tensor) -> tuple[Array, int]:
        """Return what queries are multiplied with by distance: kept for the table that embeddings belong to."""
        whole = self._positions(embeddings)
        known = self._table
        if known is None or whole is None or known[0] is not whole:
            rows = self.relative_k_proj(embeddings[0] if whole is None else whole).detach()
            made = table(rows.unflatten(1, (-1, self.head_dim)).numpy())
            if whole is None:
                return made
            known = self._table = whole, *made
        return known[1:]

    def _heads(self, states: Tensor) -> Tensor:
        return states.unflatten(2, (-1, self.head_dim)).transpose(1, 2)


def shifted(by_distance: Tensor) -> Tensor:
    """Return scores (B, H, T, T) of places from those of distances T - 1 to -(T - 1), (B, H, T, 2 T - 1): a view.

    >>> shifted(torch.arange(6.0).reshape(1, 1, 2, 3))[0, 0].tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    by_distance = by_distance.contiguous()
    batch, heads, places, distances = by_distance.shape
    apart = by_distance.stride()
    return by_distance.as_strided(
        (batch, heads, places, places),
        (apart[0], apart[1], distances - 1, 1),
        by_distance.storage_offset() + places - 1,
    )


def replace_attention(model: Any, room: Room) -> Any:
    """Replace the attention of every FastConformer block in a model, in place; return the model."""
    for encoder in [module for module in model.modules() if type(module) is ParakeetEncoder]:
        positions: Any = encoder.encode_positions
        holds = positions.holds if isinstance(positions, Positions) else _nothing
        for block in encoder.layers:
            if _usual(getattr(block, "self_attn", None)):
                block.self_attn = RelativeAttention(block.self_attn, room, holds)
    return model


def _nothing(embeddings: Tensor) -> None:
    return None


def _usual(module: Any) -> bool:
    if type(module) is not ParakeetEncoderAttention:
        return False
    return module.num_key_value_groups == 1 and getattr(module.config, CHOSEN) == KERNEL
