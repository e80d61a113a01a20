import pytest
import torch

import tiny
from secateur.families.gpt2 import GPT2
from tiny import cut, groups_of, taken

D, H, K, F = tiny.WIDTH, tiny.HEADS, tiny.HEAD_WIDTH, tiny.UNITS
BLOCK = "transformer.h.0"
NORM, HEAD, UNIT = 2 * D, 3 * K * (D + 1) + K * D, D + 1 + D


def test_units_take_with_them_what_the_hand_count_says() -> None:
    modules = {f"{BLOCK}.attn:module": H * HEAD + D + NORM, f"{BLOCK}.mlp:module": F * UNIT + D + NORM}
    units = {f"{BLOCK}.attn:head": HEAD, f"{BLOCK}.mlp:ffn_unit": UNIT}
    assert taken(tiny.gpt2(layers=1)) == {**units, **modules, f"{BLOCK}:layer": sum(modules.values())}


def test_a_head_is_a_run_of_columns_of_query_key_and_value() -> None:
    head = groups_of(tiny.gpt2())[f"{BLOCK}.attn:head"]
    runs = [(s.dim, s.offset, s.width) for s in head.slices if s.tensor == f"{BLOCK}.attn.c_attn.weight"]
    assert runs == [(1, 0, K), (1, D, K), (1, 2 * D, K)]
    assert head.counts == (("num_heads", 1), ("split_size", K))


def test_the_output_is_split_where_the_smaller_query_ends() -> None:
    attention = cut(tiny.gpt2(), {f"{BLOCK}.attn:head": torch.arange(H) < 2}).transformer.h[0].attn
    assert (attention.num_heads, attention.split_size) == (2, 2 * K)
    assert (attention.c_attn.nx, attention.c_attn.nf) == (D, 3 * 2 * K)
    assert (attention.c_proj.nx, attention.c_proj.nf) == (2 * K, D)


@pytest.mark.parametrize(
    ("kept", "changed", "widths"),
    [
        ({}, {}, {"n_inner": F}),
        ({"ffn_unit": 4}, {}, {"n_inner": 4}),
        ({"head": 1}, {}, None),
        ({"ffn_unit": 4}, {"scale_attn_by_inverse_layer_idx": True}, {"n_inner": 4}),
    ],
)
def test_the_feed_forward_width_needs_no_plan(kept: dict[str, int], changed, widths) -> None:
    model = tiny.gpt2(**changed)
    masks = {g.name: torch.arange(g.units) < kept[g.granularity] for g in GPT2.groups(model) if g.granularity in kept}
    assert GPT2.widths(cut(model, masks)) == widths


def test_blocks_stay_where_their_number_scales_their_attention() -> None:
    """One that is loaded at another place would be another one."""
    groups = GPT2.groups(tiny.gpt2(scale_attn_by_inverse_layer_idx=True))
    assert {group.granularity for group in groups} == {"head", "ffn_unit", "module"}
    assert not any(site.endswith(":layer") for group in groups for site in group.inside)
