"""Llama of `transformers`: language models with rotary positions, gated feed-forward modules, shared keys and values.

Query heads that share one head of keys and values leave together with it, so a unit of `head` is such a group.
"""

from transformers.models.llama.modeling_llama import LlamaAttention, LlamaDecoderLayer, LlamaMLP, LlamaModel

from secateur.families.blocks import Block, Blocks, Branch
from secateur.families.family import Family
from secateur.families.units import Heads, HiddenUnits

UNITS = HiddenUnits(first="gate_proj", factor="up_proj", last="down_proj")

HEADS = Heads(projections=("q_proj", "k_proj", "v_proj"), last="o_proj", width="head_dim")
"""The forward reads the number of heads off the projections' shapes; the rotary embedding turns each head alike."""

BLOCKS = Blocks(
    encoder=LlamaModel,
    blocks=(
        Block(
            kind=LlamaDecoderLayer,
            branches=(
                Branch(
                    name="self_attn",
                    kind=LlamaAttention,
                    norm="input_layernorm",
                    units=HEADS,
                    last=HEADS.last,
                    outputs=2,
                ),
                Branch(name="mlp", kind=LlamaMLP, norm="post_attention_layernorm", units=UNITS, last=UNITS.last),
            ),
        ),
    ),
)


LLAMA = Family(
    name="llama",
    summary="Llama: language models, grouped-query attention included",
    matches=BLOCKS.matches,
    groups=BLOCKS.groups,
    set_layers=BLOCKS.set_layers,
    widths=BLOCKS.widths_in("intermediate_size"),
)
