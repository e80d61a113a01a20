import pytest
import torch

import tiny
from secateur.families.llama import LLAMA
from tiny import cut, groups_of, taken

D, F = tiny.WIDTH, tiny.UNITS
HEADS, KEYS, K = 4, 2, 4
SHARED = HEADS // KEYS
BLOCK = "model.layers.0"


@pytest.mark.parametrize("biased", [True, False])
def test_units_take_with_them_what_the_hand_count_says(biased: bool) -> None:
    """Norms have no bias."""
    head = (SHARED + 2) * K * (D + biased) + SHARED * K * D
    unit = 2 * (D + biased) + D
    modules = {
        f"{BLOCK}.self_attn:module": KEYS * head + D * biased + D,
        f"{BLOCK}.mlp:module": F * unit + D * biased + D,
    }
    units = {f"{BLOCK}.self_attn:head": head, f"{BLOCK}.mlp:ffn_unit": unit}
    found = taken(tiny.llama(layers=1, attention_bias=biased, mlp_bias=biased))
    assert found == {**units, **modules, f"{BLOCK}:layer": sum(modules.values())}


@pytest.mark.parametrize(("keys", "units", "width"), [(4, 4, K), (2, 2, 2 * K), (1, 1, 4 * K)])
def test_a_unit_is_a_head_of_keys_and_values_with_the_queries_that_share_it(keys: int, units: int, width: int) -> None:
    head = groups_of(tiny.llama(num_key_value_heads=keys))[f"{BLOCK}.self_attn:head"]
    widths = {s.tensor.removeprefix(f"{BLOCK}.self_attn."): s.width for s in head.slices}
    assert head.units == units
    assert widths == {"q_proj.weight": width, "k_proj.weight": K, "v_proj.weight": K, "o_proj.weight": width}


def test_queries_keep_their_keys() -> None:
    model = cut(tiny.llama(), {f"{BLOCK}.self_attn:head": torch.tensor([False, True])})
    attention = model.model.layers[0].self_attn
    sizes = [getattr(attention, name).out_features for name in ("q_proj", "k_proj", "v_proj")]
    assert sizes == [SHARED * K, K, K]
    assert attention.num_key_value_groups == SHARED


@pytest.mark.parametrize(
    ("kept", "widths"),
    [({}, {"intermediate_size": F}), ({"ffn_unit": 4}, {"intermediate_size": 4}), ({"head": 1}, None)],
)
def test_the_feed_forward_width_needs_no_plan(kept: dict[str, int], widths) -> None:
    model = tiny.llama()
    masks = {g.name: torch.arange(g.units) < kept[g.granularity] for g in LLAMA.groups(model) if g.granularity in kept}
    assert LLAMA.widths(cut(model, masks)) == widths
