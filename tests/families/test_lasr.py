import pytest
import torch

import tiny
from secateur.families.lasr import LASR
from secateur.granularity import members
from secateur.surgery import RemovedBranch
from tiny import cut, groups_of

D, H, K, F, C = tiny.WIDTH, tiny.HEADS, tiny.HEAD_WIDTH, tiny.UNITS, tiny.WIDTH

ATTENTION, FEED_FORWARD, CONV = "encoder.layers.0.self_attn", "encoder.layers.0.feed_forward2", "encoder.layers.0.conv"
FIRST, LAST = "encoder.subsampler.dense_0:conv_channel", "encoder.subsampler.conv_1:conv_channel"

WINDOW = 3
"""Frames that the subsampling's convolutions see."""


each_model = pytest.mark.parametrize("make", tiny.BY_FAMILY["lasr"].values(), ids=tiny.BY_FAMILY["lasr"])


@each_model
def test_a_model_has_two_places_in_front_and_one_group_of_each_kind_per_block(make) -> None:
    found = {(group.name, group.units) for group in LASR.groups(make(layers=1))}
    block = "encoder.layers.0"
    assert found == {
        (FIRST, D),
        (LAST, tiny.SUBSAMPLED),
        (f"{block}:layer", 1),
        *((f"{block}.{branch}:module", 1) for branch in ("feed_forward1", "self_attn", "conv", "feed_forward2")),
        (f"{block}.feed_forward1:ffn_unit", F),
        (f"{block}.feed_forward2:ffn_unit", F),
        (f"{ATTENTION}:head", H),
        (f"{CONV}:conv_channel", C),
    }


def test_channels_in_front_take_a_row_of_one_layer_and_a_column_of_the_next() -> None:
    model = tiny.lasr()
    sizes = {name: tensor.shape for name, tensor in model.named_parameters()}
    found = groups_of(model)
    assert members(found[FIRST], sizes) == (tiny.MELS + 1) + D * WINDOW
    assert members(found[LAST], sizes) == (D * WINDOW + 1) + D


def test_no_two_places_in_front_share_a_tensor() -> None:
    first, last = ({s.tensor for s in groups_of(tiny.lasr())[site].slices} for site in (FIRST, LAST))
    assert not first & last


def test_residual_weights_stay_where_a_module_has_left() -> None:
    model = tiny.randomise(tiny.lasr(layers=1), 0)
    block = model.encoder.layers[0]
    gone = ("feed_forward1:module", "feed_forward2:module", "conv:module", "self_attn:module")
    cut(model, {g.name: torch.tensor([False]) for g in LASR.groups(model) if g.name.endswith(gone)})
    assert all(isinstance(getattr(block, name), RemovedBranch) for name in ("feed_forward1", "conv", "self_attn"))
    hidden = torch.randn(2, 5, D, dtype=torch.float64)
    scaled = 1.5 * 2.0 * 1.5 * hidden
    torch.testing.assert_close(block(hidden, position_embeddings=None), block.norm_out(scaled))


@pytest.mark.parametrize(
    ("kept", "widths"),
    [
        ({}, (F, tiny.SUBSAMPLED)),
        ({"ffn_unit": 6}, (6, tiny.SUBSAMPLED)),
        ({LAST: 3}, (F, 3)),
        ({FIRST: 3}, None),
        ({"head": 2}, None),
        ({f"{CONV}:conv_channel": 5}, None),
    ],
)
def test_feed_forward_width_and_the_last_channels_in_front_need_no_plan(kept: dict[str, int], widths) -> None:
    model = tiny.lasr()
    chosen = {g.name: kept.get(g.name, kept.get(g.granularity)) for g in LASR.groups(model)}
    masks = {g.name: torch.arange(g.units) < chosen[g.name] for g in LASR.groups(model) if chosen[g.name] is not None}
    expected = widths and dict(zip(("intermediate_size", "subsampling_conv_channels"), widths, strict=True))
    assert LASR.widths(cut(model, masks)) == expected


def test_heads_leave_in_the_rotary_embeddings_width() -> None:
    (head,) = (g for g in LASR.groups(tiny.lasr(layers=1)) if g.granularity == "head")
    assert {(s.dim, s.width) for s in head.slices} == {(0, K), (1, K)}
    assert head.counts == ()
