"""OPT of `transformers`: language models whose feed-forward layers stand in the block itself."""

from torch import nn
from transformers.models.opt.modeling_opt import OPTAttention, OPTDecoder, OPTDecoderLayer

from secateur.families.blocks import Block, Blocks, Branch
from secateur.families.family import Family
from secateur.families.units import Heads, HiddenUnits

UNITS = HiddenUnits(first="fc1", last="fc2", loose=True)

HEADS = Heads(projections=("q_proj", "k_proj", "v_proj"), last="out_proj", width="head_dim", counts=("num_heads",))

BLOCKS = Blocks(
    encoder=OPTDecoder,
    blocks=(
        Block(
            kind=OPTDecoderLayer,
            norm_first=lambda block: block.do_layer_norm_before,
            branches=(
                Branch(
                    name="self_attn",
                    kind=OPTAttention,
                    norm="self_attn_layer_norm",
                    units=HEADS,
                    last=HEADS.last,
                    outputs=2,
                ),
                Branch(name="fc2", kind=nn.Linear, parts=("fc1",), norm="final_layer_norm", units=UNITS),
            ),
        ),
    ),
)


OPT = Family(
    name="opt",
    summary="OPT: language models",
    matches=BLOCKS.matches,
    groups=BLOCKS.groups,
    set_layers=BLOCKS.set_layers,
    widths=BLOCKS.widths_in("ffn_dim"),
)
