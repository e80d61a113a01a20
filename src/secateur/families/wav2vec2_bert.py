"""Wav2Vec2-BERT of `transformers`: CTC models over stacked log-mel frames, with or without an adapter.

Its convolution modules normalize over all channels behind the depthwise filter, so no channel can leave exactly: they
leave whole or stay. A front end to cut does not exist: one projection of the features.
"""

from transformers.models.wav2vec2_bert.modeling_wav2vec2_bert import (
    Wav2Vec2BertAdapterLayer,
    Wav2Vec2BertConvolutionModule,
    Wav2Vec2BertEncoder,
    Wav2Vec2BertEncoderLayer,
    Wav2Vec2BertFeedForward,
    Wav2Vec2BertForCTC,
    Wav2Vec2BertModel,
    Wav2Vec2BertSelfAttention,
)

from secateur.families.blocks import Block, Blocks, Branch
from secateur.families.family import Family, Hearing
from secateur.families.wav2vec2 import HEADS, UNITS, block

BLOCK = block(
    Wav2Vec2BertEncoderLayer,
    feed_forward=Wav2Vec2BertFeedForward,
    attention=Wav2Vec2BertSelfAttention,
    convolution=Wav2Vec2BertConvolutionModule,
    channels=None,
)

ADAPTER = Block(
    kind=Wav2Vec2BertAdapterLayer,
    leaves=False,
    branches=(
        Branch(name="self_attn", kind=Wav2Vec2BertSelfAttention, units=HEADS, last=HEADS.last, outputs=2, whole=False),
        Branch(name="ffn", kind=Wav2Vec2BertFeedForward, norm="ffn_layer_norm", units=UNITS, last=UNITS.last),
    ),
)
"""An adapter layer halves the frame rate, so it stays, and so do its convolutions, which do that. The convolution in
front of its attention would have nothing to feed if that left as a whole, so only heads leave."""

BEFORE_ADAPTER = Block(
    kind=Wav2Vec2BertModel,
    leaves=False,
    branches=(Branch(name="intermediate_ffn", kind=Wav2Vec2BertFeedForward, units=UNITS, last=UNITS.last),),
)

CONFORMER = Blocks(encoder=Wav2Vec2BertEncoder, blocks=(BEFORE_ADAPTER, BLOCK, ADAPTER))


WAV2VEC2_BERT = Family(
    name="wav2vec2_bert",
    summary="Wav2Vec2-BERT: CTC models, with or without an adapter",
    matches=CONFORMER.matches,
    groups=CONFORMER.groups,
    set_layers=CONFORMER.set_layers,
    widths=CONFORMER.widths_in("intermediate_size"),
    hearing=Hearing(
        ctc=Wav2Vec2BertForCTC,
        mel_frames=2,
        normalized=True,
        masks_padding=lambda model: not model.config.add_adapter,
        frames=lambda model, lengths: model._get_feat_extract_output_lengths(lengths),
    ),
    spare=("masked_spec_embed",),
)
