"""What the two Conformers of the wav2vec 2.0 line call their parts."""

from torch import nn

from secateur.families.blocks import Block, Branch
from secateur.families.units import Channels, Heads, HiddenUnits

UNITS = HiddenUnits(first="intermediate_dense", last="output_dense")

HEADS = Heads(
    projections=("linear_q", "linear_k", "linear_v", "linear_pos"),
    biases=("pos_bias_u", "pos_bias_v"),
    last="linear_out",
    width="head_size",
)
"""Relative positions have a projection and two biases per head, rotary ones none; a distance embedding
(``relative_key``) is shared by all heads of a module and stays. Rotary positions turn the module's input, in as many
parts as the dense model has heads, so the module's `num_heads` must stay: nothing else reads it."""

LAST = "pointwise_conv2"
"""The last layer of a convolution module, whose norm in front is part of it."""


def block(
    kind: type[nn.Module],
    *,
    feed_forward: type[nn.Module],
    attention: type[nn.Module],
    convolution: type[nn.Module],
    channels: Channels | None,
) -> Block:
    """Return the block of the classes given; without `channels`, convolution modules leave whole or stay."""
    first, second = (
        Branch(name=name, kind=feed_forward, norm=f"{name}_layer_norm", units=UNITS, last=UNITS.last)
        for name in ("ffn1", "ffn2")
    )
    heads = Branch(
        name="self_attn", kind=attention, norm="self_attn_layer_norm", units=HEADS, last=HEADS.last, outputs=2
    )
    return Block(
        kind=kind,
        branches=(first, heads, Branch(name="conv_module", kind=convolution, units=channels, last=LAST), second),
    )
