"""Parakeet, the FastConformer of `transformers`: CTC models, and transducers, whose encoders lose units."""

from typing import Any

from torch import nn
from transformers.models.parakeet.modeling_parakeet import (
    ParakeetEncoder,
    ParakeetEncoderAttention,
    ParakeetEncoderBlock,
    ParakeetEncoderConvolutionModule,
    ParakeetEncoderFeedForward,
    ParakeetEncoderSubsamplingConv2D,
    ParakeetForCTC,
    ParakeetForRNNT,
)

from secateur.families.blocks import Blocks
from secateur.families.family import Family, Hearing
from secateur.families.fastconformer import block
from secateur.families.units import Heads, channels_between
from secateur.group import Group

HEADS = Heads(
    projections=("q_proj", "k_proj", "v_proj", "relative_k_proj"),
    biases=("bias_u", "bias_v"),
    last="o_proj",
    width="head_dim",
    counts=("config.num_attention_heads", "config.num_key_value_heads"),
)

BLOCK = block(
    ParakeetEncoderBlock,
    feed_forward=ParakeetEncoderFeedForward,
    attention=ParakeetEncoderAttention,
    convolution=ParakeetEncoderConvolutionModule,
    heads=HEADS,
)

CONFORMER = Blocks(encoder=ParakeetEncoder, blocks=(BLOCK,))


def _groups(model: nn.Module) -> list[Group]:
    front = [group for name, module in model.named_modules() for group in _front_end(name, module)]
    return [*front, *CONFORMER.groups(model)]


def _front_end(name: str, module: nn.Module) -> list[Group]:
    """Channels of every second stage of the subsampling, from the first on, so that no two groups share a matrix.

    Stage i is written by layer 3 i (a convolution, later pointwise ones), filtered by the depthwise layer 3 i + 2 and
    read by layer 3 i + 3. The last one is read by a projection of all channels and frequencies, channels first.
    """
    if not isinstance(module, ParakeetEncoderSubsamplingConv2D):
        return []
    found = [
        channels_between(name, module, f"layers.{3 * i}", f"layers.{3 * i + 3}", filters=(f"layers.{3 * i + 2}",))
        for i in range(0, module.num_layers - 1, 2)
    ]
    if module.num_layers % 2:
        last = f"layers.{3 * (module.num_layers - 1)}"
        bins = module.linear.in_features // len(module.get_parameter(f"{last}.weight"))
        found.append(channels_between(name, module, last, "linear", width=bins))
    return found


def _widths(model: Any) -> dict[str, Any] | None:
    """Feed-forward width, where that alone describes every block; heads and channels have no free width of their own.

    The configuration ties the head dimension and the convolution's channels to the model width, and the channels of
    all stages of the subsampling to each other, so a model whose heads or channels were cut needs the plan.
    """
    width = CONFORMER.feed_forward_width(model)
    whole = CONFORMER.config(model).subsampling_conv_channels
    if width is None or any(group.units != whole for group in _groups(model) if group.also):
        return None
    return {"intermediate_size": width}


PARAKEET = Family(
    name="parakeet",
    summary="Parakeet / FastConformer: CTC models, and the encoders of RNN-T and TDT models",
    matches=CONFORMER.matches,
    groups=_groups,
    set_layers=CONFORMER.set_layers,
    widths=_widths,
    hearing=Hearing(
        ctc=ParakeetForCTC,
        transducer=ParakeetForRNNT,  # ParakeetForTDT is one
        mel_frames=1,
        normalized=True,
        masks_padding=lambda model: True,
        frames=lambda model, lengths: model._get_subsampling_output_length(lengths),
    ),
)
