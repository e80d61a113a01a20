"""Wav2Vec2-Conformer of `transformers`: CTC models over samples, with a convolutional front end."""

from typing import Any

from torch import nn
from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import (
    Wav2Vec2ConformerConvolutionModule,
    Wav2Vec2ConformerEncoder,
    Wav2Vec2ConformerEncoderLayer,
    Wav2Vec2ConformerFeatureEncoder,
    Wav2Vec2ConformerFeedForward,
    Wav2Vec2ConformerForCTC,
    Wav2Vec2ConformerLayerNormConvLayer,
    Wav2Vec2ConformerPositionalConvEmbedding,
    Wav2Vec2ConformerSelfAttention,
)

from secateur.families.blocks import Blocks
from secateur.families.family import Family, Hearing
from secateur.families.units import Channels, channels_between, joined, unused
from secateur.families.wav2vec2 import LAST, block
from secateur.group import Group

CHANNELS = Channels(gated="pointwise_conv1", depthwise="depthwise_conv", norm="batch_norm", last=LAST)

BLOCK = block(
    Wav2Vec2ConformerEncoderLayer,
    feed_forward=Wav2Vec2ConformerFeedForward,
    attention=Wav2Vec2ConformerSelfAttention,
    convolution=Wav2Vec2ConformerConvolutionModule,
    channels=CHANNELS,
)

CONFORMER = Blocks(encoder=Wav2Vec2ConformerEncoder, blocks=(BLOCK,))


def _groups(model: nn.Module) -> list[Group]:
    modules = list(model.named_modules())
    front = [group for name, module in modules for group in _front_end(name, module)]
    dead = [unused(name, module) for name, module in modules if _is_positions(module)]
    return [*front, *dead, *CONFORMER.groups(model)]


def _front_end(name: str, module: nn.Module) -> list[Group]:
    """Channels of every second stage, counted back from the last but one, so that no two groups share a matrix.

    The last stage's channels are normalized together by the feature projection, so none of them can leave exactly.
    With ``feat_extract_norm: layer`` that holds at every stage; with ``group`` the first stage has one norm group per
    channel and the others have none.
    """
    if not isinstance(module, Wav2Vec2ConformerFeatureEncoder):
        return []
    stages: Any = module.conv_layers
    chosen = sorted(range(len(stages) - 2, -1, -2))
    return [
        channels_between(joined(name, "conv_layers"), stages, f"{i}.conv", f"{i + 1}.conv", norms=(f"{i}.layer_norm",))
        for i in chosen
        if not isinstance(stages[i], Wav2Vec2ConformerLayerNormConvLayer)
    ]


def _is_positions(module: nn.Module) -> bool:
    """Whether this is the positional convolution, which `transformers` builds and loads but never calls."""
    return isinstance(module, Wav2Vec2ConformerPositionalConvEmbedding)


def _widths(model: Any) -> dict[str, Any] | None:
    """Feed-forward width and the front end's channels; heads, channels and positions are tied to the model width."""
    width = CONFORMER.feed_forward_width(model)
    if width is None or not any(_is_positions(module) for module in model.modules()):
        return None
    front: Any = next(module for module in model.modules() if isinstance(module, Wav2Vec2ConformerFeatureEncoder))
    return {"intermediate_size": width, "conv_dim": [stage.conv.out_channels for stage in front.conv_layers]}


WAV2VEC2_CONFORMER = Family(
    name="wav2vec2_conformer",
    summary="Wav2Vec2-Conformer: CTC models that hear samples",
    matches=CONFORMER.matches,
    groups=_groups,
    set_layers=CONFORMER.set_layers,
    widths=_widths,
    hearing=Hearing(
        ctc=Wav2Vec2ConformerForCTC,
        mel_frames=0,
        normalized=True,
        masks_padding=lambda model: False,
        frames=lambda model, lengths: model._get_feat_extract_output_lengths(lengths),
    ),
    spare=("masked_spec_embed",),
)
