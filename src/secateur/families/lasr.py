"""LASR, the Conformer of `transformers` behind MedASR: CTC models.

Its residual weights are not 1 (the stream is scaled before a feed-forward module or convolution adds to it); they stay
as they are when a module leaves, so that x -> 1.5 x + 0.5 ff(x) becomes x -> 1.5 x.
"""

from typing import Any

from torch import nn
from transformers.models.lasr.modeling_lasr import (
    LasrEncoder,
    LasrEncoderAttention,
    LasrEncoderBlock,
    LasrEncoderConvolutionModule,
    LasrEncoderFeedForward,
    LasrEncoderSubsampling,
    LasrForCTC,
)

from secateur.families.blocks import Blocks
from secateur.families.family import Family, Hearing
from secateur.families.fastconformer import block
from secateur.families.units import Heads, channels_between
from secateur.group import Group

HEADS = Heads(projections=("q_proj", "k_proj", "v_proj"), last="o_proj", width="head_dim")
"""The rotary embedding turns every head by itself and has no weights."""

BLOCK = block(
    LasrEncoderBlock,
    feed_forward=LasrEncoderFeedForward,
    attention=LasrEncoderAttention,
    convolution=LasrEncoderConvolutionModule,
    heads=HEADS,
)

CONFORMER = Blocks(encoder=LasrEncoder, blocks=(BLOCK,))

CHAIN = (("dense_0", "conv_0"), ("conv_1", "dense_1"))
"""The subsampling is dense_0, conv_0, conv_1, dense_1 with ReLU in between. Pairs that share no layer: what lies
between conv_0 and conv_1 stays, so that savings add up."""


def _groups(model: nn.Module) -> list[Group]:
    subsamplings = [(name, module) for name, module in model.named_modules() if _is_subsampling(module)]
    front = [channels_between(name, module, *pair) for name, module in subsamplings for pair in CHAIN]
    return [*front, *CONFORMER.groups(model)]


def _is_subsampling(module: nn.Module) -> bool:
    return isinstance(module, LasrEncoderSubsampling)


def _widths(model: Any) -> dict[str, Any] | None:
    """Feed-forward width and the channels that the subsampling ends on; all others are tied to the model width."""
    width = CONFORMER.feed_forward_width(model)
    subsampling: Any = next(module for module in model.modules() if _is_subsampling(module))
    if width is None or subsampling.dense_0.out_features != CONFORMER.config(model).hidden_size:
        return None
    return {"intermediate_size": width, "subsampling_conv_channels": subsampling.conv_1.out_channels}


LASR = Family(
    name="lasr",
    summary="LASR (MedASR): CTC models over a Conformer with rotary positions",
    matches=CONFORMER.matches,
    groups=_groups,
    set_layers=CONFORMER.set_layers,
    widths=_widths,
    hearing=Hearing(
        ctc=LasrForCTC,
        mel_frames=1,
        normalized=False,
        masks_padding=lambda model: True,
        frames=lambda model, lengths: model._get_subsampling_output_length(lengths),
    ),
)
