"""Parakeet, the FastConformer of `transformers`: CTC models, and the encoders of its transducers."""

from typing import Any

from transformers.models.parakeet.modeling_parakeet import (
    ParakeetEncoder,
    ParakeetEncoderAttention,
    ParakeetEncoderBlock,
    ParakeetEncoderConvolutionModule,
    ParakeetEncoderFeedForward,
    ParakeetForCTC,
)

from secateur.families.conformer import Conformer
from secateur.families.family import Family, Hearing
from secateur.families.fastconformer import block
from secateur.families.units import Heads

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

CONFORMER = Conformer(encoder=ParakeetEncoder, blocks=(BLOCK,))


def _widths(model: Any) -> dict[str, Any] | None:
    """Feed-forward width, where that alone describes every block; heads and channels have no free width of their own.

    The configuration ties the head dimension and the convolution's channels to the model width, so a model whose
    heads or channels were cut needs the plan.
    """
    width = CONFORMER.feed_forward_width(model)
    return None if width is None else {"intermediate_size": width}


PARAKEET = Family(
    name="parakeet",
    summary="Parakeet / FastConformer: CTC models, and the encoders of RNN-T and TDT models",
    matches=CONFORMER.matches,
    groups=CONFORMER.groups,
    set_layers=CONFORMER.set_layers,
    widths=_widths,
    ctc=ParakeetForCTC,
    hearing=Hearing(
        mel_frames=1,
        normalized=True,
        masks_padding=lambda model: True,
        frames=lambda model, lengths: model._get_subsampling_output_length(lengths),
    ),
)
