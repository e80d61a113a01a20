"""Embeddings of relative positions, and what attention makes of them: once for all lengths up to the longest so far."""

from typing import Any, Final, final

import torch
from torch import Tensor, nn
from transformers.models.parakeet.modeling_parakeet import ParakeetEncoderRelPositionalEncoding

from secateur.surgery.put import put

STEP: Final = 64
"""Tables grow by so many places."""

MOST: Final = 512
"""Places (40 s at a frame each 80 ms) that tables are kept for: at a width of 512, 2 MiB per layer."""


@final
class Positions(nn.Module):
    """What `ParakeetEncoderRelPositionalEncoding` does: embeddings of distances T - 1 to -(T - 1), (B, 2 T - 1, D).

    They depend on nothing else than T, and those of a shorter utterance are the middle of a longer one's.
    """

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module
        self._asked: tuple[Tensor | None, Tensor | None] = None, None
        self.table: Tensor | None = None
        """Embeddings of distances L - 1 to -(L - 1), for some L: (2 L - 1, D)."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Return the embeddings for states (B, T, D)."""
        batch, places, _ = hidden_states.shape
        if places > MOST or hidden_states.dtype != torch.float32:
            return self.module(hidden_states[:1]).expand(batch, -1, -1)
        table = self.table
        if table is None or len(table) < 2 * places - 1:
            table = self.table = self._made(places, hidden_states)
        first = (len(table) + 1) // 2 - places
        return table[first : first + 2 * places - 1].expand(batch, -1, -1)

    def holds(self, embeddings: Tensor) -> Tensor | None:
        """Return the table that embeddings for T places are the middle of, if they are."""
        asked, found = self._asked
        if asked is not embeddings:
            found = self._holds(embeddings)
            self._asked = embeddings, found
        return found

    def _holds(self, embeddings: Tensor) -> Tensor | None:
        table = self.table
        if table is None or embeddings.shape[-1] != table.shape[-1]:
            return None
        middle = (len(table) - embeddings.shape[1]) // 2
        first = table.data_ptr() + middle * table.stride(0) * table.itemsize
        same = embeddings.data_ptr() == first and embeddings.stride()[1:] == table.stride()
        return table if same and shared(embeddings) else None

    def _made(self, places: int, hidden_states: Tensor) -> Tensor:
        longest = -(-places // STEP) * STEP
        with torch.inference_mode(mode=False), torch.no_grad():
            return self.module(torch.empty(1, longest, hidden_states.shape[2]))[0].contiguous()


def shared(embeddings: Tensor) -> bool:
    """Whether all utterances of a batch have the same embeddings, in the same place."""
    return len(embeddings) == 1 or embeddings.stride(0) == 0


def replace_positions(model: Any) -> Any:
    """Replace the encoding of positions in a model, in place; return the model."""
    for name, module in list(model.named_modules()):
        if type(module) is ParakeetEncoderRelPositionalEncoding:
            put(model, name, Positions(module))
    return model
