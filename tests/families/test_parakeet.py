import copy

import pytest
import torch

import tiny
from secateur.families import find_groups
from secateur.families.parakeet import BLOCK, PARAKEET
from secateur.masks import MaskState
from secateur.surgery import shrink
from tiny import cut, groups_of, taken

H, F, C = tiny.HEADS, tiny.UNITS, tiny.WIDTH

ATTENTION, FEED_FORWARD, CONV = "encoder.layers.0.self_attn", "encoder.layers.0.feed_forward1", "encoder.layers.0.conv"
FRONT = "encoder.subsampling.layers.0:conv_channel"


@pytest.mark.parametrize("make", tiny.PARAKEETS.values(), ids=tiny.PARAKEETS)
def test_a_block_has_one_group_of_each_kind_where_it_belongs(make) -> None:
    found = [(group.granularity, group.units) for group in PARAKEET.groups(make(layers=1))]
    assert sorted(found) == sorted(
        [
            ("layer", 1),
            *4 * [("module", 1)],
            ("ffn_unit", F),
            ("ffn_unit", F),
            ("head", H),
            ("conv_channel", C),
            ("conv_channel", tiny.SUBSAMPLED),
        ]
    )


@pytest.mark.parametrize(
    ("factor", "places"),
    [
        (2, {"layers.0": ("linear",)}),
        (4, {"layers.0": ("layers.2", "layers.3")}),
        (8, {"layers.0": ("layers.2", "layers.3"), "layers.6": ("linear",)}),
        (16, {"layers.0": ("layers.2", "layers.3"), "layers.6": ("layers.8", "layers.9")}),
    ],
)
def test_every_second_stage_in_front_may_lose_channels_and_none_share_a_tensor(factor: int, places) -> None:
    model = tiny.ctc(subsampling_factor=factor)
    front = [group for group in PARAKEET.groups(model) if group.also]
    path = "encoder.subsampling."
    found = {g.module.removeprefix(path): tuple(name.removeprefix(path) for name in g.also) for g in front}
    assert found == places
    tensors = [where.tensor for group in front for where in group.slices]
    assert len(tensors) == len(set(tensors))


@pytest.mark.parametrize("factor", [2, 4, 8, 16])
def test_channels_in_front_leave_exactly(factor: int) -> None:
    model = tiny.randomise(tiny.ctc(subsampling_factor=factor), 0)
    masks = {g.name: torch.arange(g.units) % 3 != 1 for g in PARAKEET.groups(model) if g.also}
    other = copy.deepcopy(model)
    MaskState(other, [g for g in PARAKEET.groups(other) if g.also]).set(masks)
    expected = tiny.output(other)
    assert torch.allclose(tiny.output(cut(model, masks)), expected, rtol=1e-9, atol=1e-12)


def test_a_channel_in_front_takes_its_filters_and_what_reads_it() -> None:
    found = taken(tiny.ctc(subsampling_factor=8))
    first, last = "encoder.subsampling.layers.0:conv_channel", "encoder.subsampling.layers.6:conv_channel"
    assert found[first] == (9 + 1) + (9 + 1) + tiny.SUBSAMPLED
    assert found[last] == (tiny.SUBSAMPLED + 1) + (tiny.MELS // 8) * tiny.WIDTH


def test_both_halves_of_the_gated_linear_unit_belong_to_a_channel() -> None:
    slices = groups_of(tiny.ctc())[f"{CONV}:conv_channel"].slices
    halves = [(s.dim, s.offset, s.width) for s in slices if s.tensor == f"{CONV}.pointwise_conv1.weight"]
    assert halves == [(0, 0, 1), (0, C, 1)]


def test_a_channel_takes_its_running_statistics_with_it() -> None:
    tensors = {s.tensor for s in groups_of(tiny.ctc())[f"{CONV}:conv_channel"].slices}
    assert {f"{CONV}.norm.running_mean", f"{CONV}.norm.running_var"} <= tensors
    assert f"{CONV}.norm.num_batches_tracked" not in tensors


@pytest.mark.parametrize(
    ("site", "gates"),
    [
        (f"{ATTENTION}:head", {"o_proj.weight"}),
        (f"{ATTENTION}:module", {"o_proj.weight", "o_proj.bias"}),
        (f"{FEED_FORWARD}:ffn_unit", {"linear2.weight"}),
        (f"{FEED_FORWARD}:module", {"linear2.weight", "linear2.bias"}),
        (f"{CONV}:conv_channel", {"pointwise_conv2.weight"}),
        (f"{CONV}:module", {"pointwise_conv2.weight", "pointwise_conv2.bias"}),
    ],
)
def test_gates_are_the_weights_that_read_the_units_output(site: str, gates: set[str]) -> None:
    group = groups_of(tiny.ctc())[site]
    assert {s.tensor.removeprefix(f"{group.module}.") for s in group.slices if s.gate} == gates


def test_the_gates_of_a_layer_are_those_of_its_branches() -> None:
    groups = groups_of(tiny.ctc())
    gates = {
        s.tensor for branch in BLOCK.branches for s in groups[f"encoder.layers.0.{branch.name}:module"].slices if s.gate
    }
    assert {s.tensor for s in groups["encoder.layers.0:layer"].slices if s.gate} == gates


@pytest.mark.parametrize("make", tiny.PARAKEETS.values(), ids=tiny.PARAKEETS)
def test_every_slice_lies_inside_a_tensor_of_the_model(make) -> None:
    model = make()
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    for group in PARAKEET.groups(model):
        assert model.get_submodule(group.module) is not None
        for where in group.slices:
            if where.dim is not None:
                assert where.offset + group.units * where.width <= tensors[where.tensor].shape[where.dim]
            else:
                assert where.tensor in tensors


def test_shapes_are_read_from_the_modules_so_that_a_pruned_model_has_its_own_groups() -> None:
    model = tiny.ctc()
    groups = find_groups(model, tiny.STRUCTURED)
    masks = {
        f"{ATTENTION}:head": torch.tensor([True, False, True]),
        f"{FEED_FORWARD}:ffn_unit": torch.arange(F) < 7,
        f"{CONV}:module": torch.tensor([False]),
        "encoder.layers.1:layer": torch.tensor([False]),
    }
    shrink(model, groups, masks, set_layers=PARAKEET.set_layers)
    assert {name: group.units for name, group in groups_of(model).items() if group.units > 1} == {
        f"{ATTENTION}:head": 2,
        f"{FEED_FORWARD}:ffn_unit": 7,
        "encoder.layers.0.feed_forward2:ffn_unit": F,
        FRONT: tiny.SUBSAMPLED,
    }
    assert f"{CONV}:module" not in groups_of(model)


@pytest.mark.parametrize(
    ("kept", "widths"),
    [
        ({}, {"intermediate_size": F}),
        ({"ffn_unit": 6}, {"intermediate_size": 6}),
        ({"head": 2}, None),
        ({"conv_channel": 5}, None),
        ({FRONT: 3}, None),
        ({"ffn_unit": 6, "head": 2}, None),
    ],
)
def test_only_a_uniform_feed_forward_width_can_be_said_without_a_plan(kept: dict[str, int], widths) -> None:
    model = tiny.ctc()
    groups = PARAKEET.groups(model)
    masks = {g.name: torch.arange(g.units) < kept[g.granularity] for g in groups if g.granularity in kept} | {
        g.name: torch.arange(g.units) < kept[g.name] for g in groups if g.name in kept
    }
    shrink(model, groups, masks, set_layers=PARAKEET.set_layers)
    assert PARAKEET.widths(model) == widths


@pytest.mark.parametrize(
    "masks",
    [
        {f"{FEED_FORWARD}:ffn_unit": torch.arange(F) < 6},
        {f"{FEED_FORWARD}:module": torch.tensor([False])},
    ],
)
def test_feed_forward_modules_that_differ_need_the_plan(masks) -> None:
    model = tiny.ctc()
    shrink(model, PARAKEET.groups(model), masks, set_layers=PARAKEET.set_layers)
    assert PARAKEET.widths(model) is None
