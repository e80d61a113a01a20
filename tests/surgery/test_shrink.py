import pytest
import torch
from torch import nn

import tiny
from secateur.evaluation import parameters
from secateur.families import family_of, find_groups
from secateur.granularity import members
from secateur.surgery import RemovedBranch, shrink

FIRST, SECOND = "encoder.layers.0", "encoder.layers.1"


def cut(model, masks, *, granularities=tiny.STRUCTURED):
    given = {site: torch.tensor(mask) for site, mask in masks.items()}
    shrink(model, find_groups(model, granularities), given, set_layers=family_of(model).set_layers)
    return model


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def test_a_head_leaves_every_tensor_it_lies_in() -> None:
    layer = cut(tiny.ctc(), {f"{FIRST}.self_attn:head": [True, False, True]}).encoder.layers[0].self_attn
    rows, width = 2 * tiny.HEAD_WIDTH, tiny.WIDTH
    assert shapes(layer) == {
        "bias_u": (2, tiny.HEAD_WIDTH),
        "bias_v": (2, tiny.HEAD_WIDTH),
        **{f"{name}_proj.weight": (rows, width) for name in ("q", "k", "v", "relative_k")},
        **{f"{name}_proj.bias": (rows,) for name in ("q", "k", "v")},
        "o_proj.weight": (width, rows),
        "o_proj.bias": (width,),
    }
    assert layer.config.num_attention_heads == layer.config.num_key_value_heads == 2


def test_a_channel_leaves_both_gate_halves_its_filter_and_its_norm() -> None:
    mask = [channel not in (1, 4) for channel in range(tiny.WIDTH)]
    model = tiny.randomise(tiny.ctc(), 0)
    dense = {name: tensor.clone() for name, tensor in model.encoder.layers[0].conv.state_dict().items()}
    small = cut(model, {f"{FIRST}.conv:conv_channel": mask}).encoder.layers[0].conv.state_dict()
    kept = [channel for channel in range(tiny.WIDTH) if mask[channel]]
    both = [*kept, *(tiny.WIDTH + channel for channel in kept)]
    wanted = {
        name: tensor[kept] for name, tensor in dense.items() if name.startswith(("norm", "depth")) and tensor.dim()
    }
    wanted |= {f"pointwise_conv1.{name}": dense[f"pointwise_conv1.{name}"][both] for name in ("weight", "bias")}
    wanted["pointwise_conv2.weight"] = dense["pointwise_conv2.weight"][:, kept]
    assert all(torch.equal(small[name], tensor) for name, tensor in wanted.items())
    assert torch.equal(small["pointwise_conv2.bias"], dense["pointwise_conv2.bias"])


def test_layers_know_their_new_sizes() -> None:
    model = cut(tiny.ctc(), {f"{FIRST}.conv:conv_channel": [c < 5 for c in range(tiny.WIDTH)]})
    conv = model.encoder.layers[0].conv
    assert (conv.pointwise_conv1.out_channels, conv.pointwise_conv2.in_channels, conv.norm.num_features) == (10, 5, 5)
    assert (conv.depthwise_conv.in_channels, conv.depthwise_conv.out_channels, conv.depthwise_conv.groups) == (5, 5, 5)


def test_a_module_leaves_with_the_norm_in_front_of_it() -> None:
    block = cut(tiny.ctc(), {f"{FIRST}.self_attn:module": [False]}).encoder.layers[0]
    assert isinstance(block.self_attn, RemovedBranch)
    assert isinstance(block.norm_self_att, nn.Identity)
    assert isinstance(block.norm_conv, nn.LayerNorm)


def test_a_layer_leaves_and_the_configuration_knows() -> None:
    model = tiny.ctc(layers=3)
    second = model.encoder.layers[1]
    cut(model, {f"{FIRST}:layer": [False], "encoder.layers.2:layer": [False]})
    assert list(model.encoder.layers) == [second]
    assert model.config.encoder_config.num_hidden_layers == 1


@pytest.mark.parametrize("outer", [f"{FIRST}.feed_forward1:module", f"{FIRST}:layer"])
def test_masks_inside_of_what_leaves_do_not_matter(outer: str) -> None:
    masks = {outer: [False], f"{FIRST}.feed_forward1:ffn_unit": [False] * tiny.UNITS}
    assert parameters(cut(tiny.ctc(), masks)) == parameters(cut(tiny.ctc(), {outer: [False]}))


def test_sites_that_are_absent_or_keep_everything_are_left_alone() -> None:
    model = tiny.ctc()
    before = dict(model.named_parameters())
    cut(model, {f"{FIRST}.self_attn:head": [True, True, True]})
    assert all(tensor is before[name] for name, tensor in model.named_parameters())


def test_elements_keep_their_place() -> None:
    model = tiny.Plain()
    groups = find_groups(model, ["element"])
    before = shapes(model)
    shrink(model, groups, {g.name: torch.zeros(g.units, dtype=torch.bool) for g in groups}, set_layers=lambda *_: None)
    assert shapes(model) == before


@pytest.mark.parametrize(("make", "granularity"), tiny.pairs(tiny.STRUCTURED))
def test_as_many_parameters_leave_as_the_units_hold(make, granularity: str) -> None:
    model = make()
    groups = find_groups(model, [granularity])
    masks = tiny.random_masks(groups, 1)
    sizes = {name: tensor.shape for name, tensor in model.named_parameters()}
    held = sum(members(group, sizes) * int((~masks[group.name]).sum()) for group in groups)
    before = parameters(model)
    shrink(model, groups, masks, set_layers=family_of(model).set_layers)
    assert before - parameters(model) == held > 0


def test_types_and_what_may_be_trained_stay_as_they_were() -> None:
    model = tiny.ctc().half().train()
    model.encoder.layers[0].self_attn.q_proj.weight.requires_grad_(False)
    masks = {f"{FIRST}.self_attn:head": [True, False, True], f"{SECOND}.conv:module": [False]}
    cut(model, masks)
    attention = model.encoder.layers[0].self_attn
    assert (attention.q_proj.weight.requires_grad, attention.k_proj.weight.requires_grad) == (False, True)
    assert {tensor.dtype for tensor in model.parameters()} == {torch.float16}
    assert model.encoder.layers[1].conv.training


def test_the_meta_device_gets_the_same_shapes() -> None:
    masks = {
        f"{FIRST}.self_attn:head": [False, False, True],
        f"{FIRST}.conv:conv_channel": [c > 3 for c in range(tiny.WIDTH)],
        f"{SECOND}.feed_forward2:module": [False],
    }
    with torch.device("meta"):
        shadow = tiny.ctc()
    assert shapes(cut(shadow, masks)) == shapes(cut(tiny.ctc(), masks))
    assert all(tensor.is_meta for tensor in shadow.parameters())


def test_a_channel_of_the_front_end_leaves_one_layer_the_norm_and_the_next_layer() -> None:
    site = "wav2vec2_conformer.feature_extractor.conv_layers.0.conv:conv_channel"
    model = cut(tiny.wav2vec2_conformer(), {site: [c % 2 == 0 for c in range(tiny.STAGES[0])]})
    first, second, *_ = model.wav2vec2_conformer.feature_extractor.conv_layers
    assert (first.conv.out_channels, second.conv.in_channels) == (3, 3)
    assert (first.layer_norm.num_channels, first.layer_norm.num_groups) == (3, 3)
    assert second.conv.out_channels == tiny.STAGES[1]


def test_a_module_that_nobody_calls_leaves_without_a_trace() -> None:
    model = tiny.randomise(tiny.wav2vec2_conformer(), 0)
    before = tiny.output(model)
    cut(model, {"wav2vec2_conformer.encoder.pos_conv_embed:module": [False]})
    assert not [name for name in model.state_dict() if "pos_conv_embed" in name]
    assert torch.equal(tiny.output(model), before)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_the_attention_implementation_can_still_be_switched(implementation: str) -> None:
    model = cut(tiny.randomise(tiny.ctc(), 0).float(), {f"{FIRST}.self_attn:head": [True, False, True]})
    wanted = tiny.output(model)
    model.set_attn_implementation(implementation)
    assert model.encoder.layers[0].self_attn.config._attn_implementation == implementation
    torch.testing.assert_close(tiny.output(model), wanted, rtol=1e-4, atol=1e-4)
