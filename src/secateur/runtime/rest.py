"""What is left of a model when its products with weights are fast."""

from typing import Any

import torch

from secateur.runtime.attention import replace_attention
from secateur.runtime.block import replace_blocks
from secateur.runtime.subsampling import replace_subsampling


@torch.no_grad()
def accelerate_rest(model: Any) -> Any:
    """Replace the parts of a FastConformer that pass over memory more often than they must, in place; return the model.

    Of any other model nothing is replaced. For inference in float32 on a CPU, after `accelerate`, whose sparse layers
    are taken along.
    """
    return replace_blocks(replace_attention(replace_subsampling(model)))
