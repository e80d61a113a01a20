"""What is left of a model when its products with weights are fast."""

from typing import Any

import torch

from secateur.runtime.attention import replace_attention
from secateur.runtime.block import replace_blocks
from secateur.runtime.head import replace_head
from secateur.runtime.positions import replace_positions
from secateur.runtime.rooms import Room
from secateur.runtime.subsampling import replace_subsampling


@torch.no_grad()
def accelerate_rest(model: Any) -> Any:
    """Replace the parts of a FastConformer that pass over memory more often than they must, in place; return the model.

    Of any other model nothing is replaced, and of a FastConformer what is not of the usual shape stays. For inference
    in float32 on a CPU, after `accelerate`, whose sparse layers are taken along: a block all of whose layers are of
    integers in blocks of 16 x 4 takes a single call where PyTorch is set to one thread.
    """
    room = Room()
    replace_positions(replace_subsampling(model, room))
    return replace_head(replace_blocks(replace_attention(model, room), room))
