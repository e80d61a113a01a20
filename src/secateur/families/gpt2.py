"""GPT-2 of `transformers`: language models whose layers hold their weights transposed, (in, out)."""

from transformers.models.gpt2.modeling_gpt2 import GPT2MLP, GPT2Attention, GPT2Block, GPT2Model

from secateur.families.blocks import Block, Blocks, Branch
from secateur.families.family import Family
from secateur.families.units import Heads, HiddenUnits

UNITS = HiddenUnits(first="c_fc", last="c_proj", transposed=True)

HEADS = Heads(
    projections=("c_attn",),
    last="c_proj",
    width="head_dim",
    counts=("num_heads", "split_size"),
    packed=3,
    transposed=True,
)
"""Query, key and value lie behind each other in one layer, whose output is split at `split_size`."""

BLOCKS = Blocks(
    encoder=GPT2Model,
    blocks=(
        Block(
            kind=GPT2Block,
            branches=(
                Branch(name="attn", kind=GPT2Attention, norm="ln_1", units=HEADS, last=HEADS.last, outputs=2),
                Branch(name="mlp", kind=GPT2MLP, norm="ln_2", units=UNITS, last=UNITS.last),
            ),
        ),
    ),
    numbered="scale_attn_by_inverse_layer_idx",
)
"""A cross-attention, which decoders of speech models have, stays."""


GPT2 = Family(
    name="gpt2",
    summary="GPT-2: language models",
    matches=BLOCKS.matches,
    groups=BLOCKS.groups,
    set_layers=BLOCKS.set_layers,
    widths=BLOCKS.widths_in("n_inner"),
)
