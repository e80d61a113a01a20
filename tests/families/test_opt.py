import pytest
import torch

import tiny
from secateur.families.opt import OPT
from secateur.surgery import RemovedBranch
from tiny import cut, groups_of, taken

D, H, K, F = tiny.WIDTH, tiny.HEADS, tiny.HEAD_WIDTH, tiny.UNITS
BLOCK = "model.decoder.layers.0"
NORM = 2 * D


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_units_take_with_them_what_the_hand_count_says(first: bool, biased: bool) -> None:
    """Norms behind the branches normalize the stream: they stay until the whole block goes."""
    head, unit = 3 * K * (D + biased) + K * D, D + biased + D
    inside = {f"{BLOCK}.self_attn:module": H * head + D * biased, f"{BLOCK}.fc2:module": F * unit + D * biased}
    modules = {site: size + NORM * first for site, size in inside.items()}
    units = {f"{BLOCK}.self_attn:head": head, f"{BLOCK}.fc1:ffn_unit": unit}
    whole = {f"{BLOCK}:layer": sum(inside.values()) + 2 * NORM}
    assert taken(tiny.opt(layers=1, do_layer_norm_before=first, enable_bias=biased)) == {**units, **modules, **whole}


def test_both_feed_forward_layers_leave_together() -> None:
    groups = groups_of(tiny.opt())
    assert groups[f"{BLOCK}.fc2:module"].also == (f"{BLOCK}.fc1",)
    assert groups[f"{BLOCK}.fc1:ffn_unit"].inside == (f"{BLOCK}.fc2:module", f"{BLOCK}:layer")
    block = cut(tiny.opt(), {f"{BLOCK}.fc2:module": torch.tensor([False])}).model.decoder.layers[0]
    assert isinstance(block.fc2, RemovedBranch)
    assert [type(module) for module in (block.fc1, block.final_layer_norm)] == [torch.nn.Identity] * 2


def test_a_block_without_its_feed_forward_layers_has_no_such_units() -> None:
    model = cut(tiny.opt(layers=1), {f"{BLOCK}.fc2:module": torch.tensor([False])})
    assert [name for name in groups_of(model) if "fc" in name] == []


@pytest.mark.parametrize(
    ("kept", "widths"), [({}, {"ffn_dim": F}), ({"ffn_unit": 4}, {"ffn_dim": 4}), ({"head": 1}, None)]
)
def test_the_feed_forward_width_needs_no_plan(kept: dict[str, int], widths) -> None:
    model = tiny.opt()
    masks = {g.name: torch.arange(g.units) < kept[g.granularity] for g in OPT.groups(model) if g.granularity in kept}
    assert OPT.widths(cut(model, masks)) == widths
