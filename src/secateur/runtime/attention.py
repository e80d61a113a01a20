"""Attention with relative positions, as FastConformers have it, in fewer passes over memory."""

from typing import Any, Final, final

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.parakeet.modeling_parakeet import ParakeetEncoderAttention

from secateur.surgery.put import put

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

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = module.q_proj, module.k_proj, module.v_proj
        self.o_proj, self.relative_k_proj = module.o_proj, module.relative_k_proj
        self.bias_u, self.bias_v = module.bias_u, module.bias_v
        self.head_dim: int = module.head_dim
        self.scaling: float = module.scaling

    def forward(
        self, hidden_states: Tensor, position_embeddings: Tensor, attention_mask: Tensor | None = None, **_: Any
    ) -> tuple[Tensor, None]:
        """Return (B, T, D) and no weights; positions (B, 2 T - 1, D), mask (B, 1, T, T) of what may be looked at."""
        queries, keys, values = (self._heads(layer(hidden_states)) for layer in (self.q_proj, self.k_proj, self.v_proj))
        distances = self._heads(self.relative_k_proj(position_embeddings))
        by_place = (queries + self.bias_v[:, None]) * self.scaling
        added = shifted(by_place @ distances.transpose(2, 3))
        if attention_mask is not None and not bool(alive(attention_mask).all()):
            added = added.masked_fill(attention_mask.logical_not(), torch.finfo(added.dtype).min)
        found = functional.scaled_dot_product_attention(
            queries + self.bias_u[:, None], keys, values, attn_mask=added, scale=self.scaling
        )
        return self.o_proj(found.transpose(1, 2).flatten(2)), None

    def _heads(self, states: Tensor) -> Tensor:
        return states.unflatten(2, (-1, self.head_dim)).transpose(1, 2)


def alive(attention_mask: Tensor) -> Tensor:
    """Return which places (B, T) are no padding: those that may look at themselves, as the encoder makes its masks."""
    return attention_mask[:, 0].diagonal(dim1=1, dim2=2)


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


def replace_attention(model: Any) -> Any:
    """Replace the attention of every FastConformer block in a model, in place; return the model."""
    for name, module in list(model.named_modules()):
        if _usual(module):
            put(model, name, RelativeAttention(module))
    return model


def _usual(module: Any) -> bool:
    if type(module) is not ParakeetEncoderAttention:
        return False
    return module.num_key_value_groups == 1 and getattr(module.config, CHOSEN) == KERNEL
