"""What is left of a model when its products with weights are fast."""

from typing import Any

import torch

from secateur.runtime.attention import replace_attention
from secateur.runtime.block import replace_blocks
from secateur.runtime.positions import replace_positions
from secateur.runtime.rooms import Room
from secateur.runtime.subsampling import replace_subsampling


@torch.no_grad()
def accelerate_rest(model: Any) -> Any:
    """Replace the parts of a FastConformer that pass over memory more often than they must, in place; return the model.

    Of any other model nothing is replaced. For inference in float32 on a CPU, after `accelerate`, whose sparse layers
    are taken along.
    """
    room = Room()
    return replace_blocks(replace_attention(replace_positions(replace_subsampling(model, room)), room), room)
