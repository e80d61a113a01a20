"""The test that defines us: what masks predict is what the small model computes."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

import tiny
from secateur.allocation import parameters_saved
from secateur.evaluation import parameters
from secateur.families import family_of, find_groups
from secateur.group import Group
from secateur.masks import MaskState
from secateur.surgery import ranks, shrink

TOLERANCE = 1e-9
"""Relative to the largest output, in float64: sums over fewer terms may be taken in another order."""

MATTERS = 1e-5
"""What a wrong cut changes at least, relative to the largest output."""

COMBINED = [
    ("ffn_unit", "head", "conv_channel"),
    ("head", "module"),
    ("conv_channel", "layer"),
    tiny.STRUCTURED,
]

CONVOLUTIONS = ("encoder.layers.2.conv:module", "encoder.layers.2.conv_module:module")

make_each = pytest.mark.parametrize("make", tiny.MODELS.values(), ids=tiny.MODELS)
each_granularity = pytest.mark.parametrize(("make", "granularity"), tiny.pairs(tiny.STRUCTURED))
each_cut = pytest.mark.parametrize(("make", "granularity"), tiny.pairs(["ffn_unit", "head", "conv_channel"]))


def masked(model: Any, groups: Sequence[Group], masks: dict[str, Tensor]) -> Tensor:
    model = copy.deepcopy(model)
    MaskState(model, groups).set(masks)
    return tiny.output(model)


def shrunk(model: Any, groups: Sequence[Group], masks: dict[str, Tensor]) -> Any:
    model = copy.deepcopy(model)
    shrink(model, groups, masks, set_layers=family_of(model).set_layers)
    return model


def difference(one: Tensor, other: Tensor) -> float:
    """Return the largest difference, relative to the largest output."""
    assert one.shape == other.shape
    assert bool(one.isfinite().all())
    return float((one - other).abs().max() / one.abs().max())


def check(model: Any, groups: Sequence[Group], masks: dict[str, Tensor]) -> None:
    small = shrunk(model, groups, masks)
    expected = masked(model, groups, masks)
    assert difference(expected, tiny.output(small)) < TOLERANCE
    if any(not mask.all() for mask in masks.values()):
        assert parameters(small) < parameters(model)
        assert difference(tiny.output(model), expected) > MATTERS


@pytest.mark.parametrize("seed", range(3))
@each_granularity
def test_for_each_granularity_alone(make, granularity: str, seed: int) -> None:
    model = tiny.randomise(make(), seed)
    groups = find_groups(model, [granularity])
    check(model, groups, tiny.random_masks(groups, seed))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("granularities", COMBINED, ids="+".join)
@make_each
def test_for_several_granularities_at_once(make, granularities: tuple[str, ...], seed: int) -> None:
    model = tiny.randomise(make(layers=3), seed)
    groups = find_groups(model, granularities)
    check(model, groups, tiny.random_masks(groups, seed))


@pytest.mark.parametrize("make", tiny.RECOGNIZERS.values(), ids=tiny.RECOGNIZERS)
def test_for_whole_modules_and_a_whole_layer_beside_single_units(make) -> None:
    model = tiny.randomise(make(layers=3), 7)
    groups = find_groups(model, tiny.STRUCTURED)
    masks = tiny.random_masks(groups, 7, share=0.3)
    gone = ("encoder.layers.1:layer", "encoder.layers.0.self_attn:module", *CONVOLUTIONS)
    masks |= {g.name: torch.tensor([not g.name.endswith(gone)]) for g in groups if g.units == 1}
    assert sum(not mask.any() for mask in masks.values()) == 3
    check(model, groups, masks)


@pytest.mark.parametrize("make", tiny.LANGUAGE_MODELS.values(), ids=tiny.LANGUAGE_MODELS)
def test_a_cache_of_keys_and_values_still_counts_tokens_where_attention_or_a_layer_is_gone(make) -> None:
    """The library asks the first layer's part of the cache how many tokens there have been."""
    model = tiny.randomise(make(layers=4), 5)
    groups = find_groups(model, tiny.STRUCTURED)
    attention, layer = ([g.name for g in groups if g.name.endswith(end)] for end in ("attn:module", ":layer"))
    masks = {g.name: torch.tensor([g.name not in (attention[0], layer[1])]) for g in groups if g.units == 1}
    small = shrunk(model, groups, masks)
    tokens = tiny.tokens()["input_ids"][:1]
    with torch.no_grad():
        whole = small(tokens, use_cache=False).logits
        cache = small(tokens[:, :4], use_cache=True).past_key_values
        rest = small(tokens[:, 4:], past_key_values=cache, use_cache=True).logits
    assert difference(whole[:, 4:], rest) < TOLERANCE
    assert cache.get_seq_length() == tokens.shape[1]


@pytest.mark.parametrize("seed", range(3))
@make_each
def test_for_components_of_layers_in_two_factors(make, seed: int) -> None:
    dense = tiny.randomise(make(), seed)
    model = tiny.split(copy.deepcopy(dense))
    assert difference(tiny.output(dense), tiny.output(model)) < TOLERANCE
    groups = find_groups(model, ["rank"])
    masks = tiny.random_masks(groups, seed, share=0.6)
    masks |= {group.name: torch.ones(group.units, dtype=torch.bool) for group in groups[::3]}
    check(model, groups, masks)
    small = shrunk(model, groups, masks)
    in_one = {group.module for group in groups[::3]}
    assert ranks(small) == {g.module: int(masks[g.name].sum()) for g in groups if g.module not in in_one}
    saved = parameters_saved(groups, {name: tensor.shape for name, tensor in model.named_parameters()})
    assert parameters(dense) - parameters(small) == pytest.approx(signed_saving(groups, saved, masks))


def signed_saving(groups: Sequence[Group], saved: Mapping[str, float], masks: Mapping[str, Tensor]) -> float:
    """Return what splitting and cutting saves: less than nothing where a layer in two factors keeps a high rank."""
    cut = [group for group in groups if not masks[group.name].all()]
    return sum(saved[g.name] * (int((~masks[g.name]).sum()) - (g.units - break_even(g, saved))) for g in cut)


def break_even(group: Group, saved: Mapping[str, float]) -> float:
    """Return in * out / (in + out), from in + out and the smaller of both, which is the full rank."""
    both, least = saved[group.name], group.units
    return least * (both - least) / both


@pytest.mark.parametrize("unit", ["first", "last"])
@each_cut
def test_where_exactly_one_unit_stays(make, granularity: str, unit: str) -> None:
    model = tiny.randomise(make(), 11)
    groups = find_groups(model, [granularity])
    kept = {group.name: 0 if unit == "first" else group.units - 1 for group in groups}
    check(model, groups, {site: torch.arange(g.units) == kept[site] for site, g in ((g.name, g) for g in groups)})


@pytest.mark.parametrize("granularity", ["module", "layer"])
@make_each
def test_where_none_of_the_encoders_modules_or_layers_stays(make, granularity: str) -> None:
    model = tiny.randomise(make(), 13)
    groups = find_groups(model, [granularity])
    check(model, groups, {group.name: torch.tensor([False]) for group in groups})


@pytest.mark.parametrize("granularities", [(name,) for name in tiny.STRUCTURED] + COMBINED, ids="+".join)
def test_where_nothing_leaves(granularities: tuple[str, ...]) -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, granularities)
    masks = {group.name: torch.ones(group.units, dtype=torch.bool) for group in groups}
    assert torch.equal(tiny.output(shrunk(model, groups, masks)), tiny.output(model))


@pytest.mark.parametrize("seed", range(3))
@make_each
def test_when_a_pruned_model_is_pruned_again(make, seed: int) -> None:
    model = tiny.randomise(make(layers=3), seed)
    for again in range(2):
        groups = find_groups(model, tiny.STRUCTURED)
        masks = tiny.random_masks(groups, seed + again, share=0.2)
        check(model, groups, masks)
        model = shrunk(model, groups, masks)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("make", tiny.ONE_EACH.values(), ids=tiny.ONE_EACH)
def test_without_padding_and_in_training_mode(make, seed: int) -> None:
    """Batch norms of masked channels see constant zeros there; what they compute must still be nothing."""
    model = tiny.randomise(make(), seed).train()
    groups = find_groups(model, tiny.STRUCTURED)
    masks = tiny.random_masks(groups, seed, share=0.3)
    other = copy.deepcopy(model)
    MaskState(other, groups).set(masks)
    inputs = {model.main_input_name: tiny.batch_for(model)[model.main_input_name]}
    assert difference(tiny.output(other, inputs), tiny.output(shrunk(model, groups, masks), inputs)) < TOLERANCE


def test_a_gated_linear_unit_that_is_cut_askew_is_seen() -> None:
    """It can fail: the second half loses another channel than the first, and every shape is still right."""
    model = tiny.randomise(tiny.ctc(), 0)
    (group, *_) = groups = find_groups(model, ["conv_channel"], include=["*.conv:*"])
    halves = tuple(where for where in group.slices if where.offset)
    assert len(halves) == 2
    rest = tuple(where for where in group.slices if not where.offset)
    askew = [replace(group, slices=rest), replace(group, name="askew", slices=halves)]
    mask = torch.arange(group.units) != 3
    small = shrunk(model, askew, {group.name: mask, "askew": mask.roll(1)})
    right = shrunk(model, [group], {group.name: mask})
    expected = masked(model, groups, {group.name: mask})
    assert parameters(small) == parameters(right)
    assert difference(expected, tiny.output(right)) < TOLERANCE
    assert difference(expected, tiny.output(small)) > MATTERS


@pytest.mark.parametrize("granularity", ["ffn_unit", "head", "conv_channel"])
def test_a_mask_that_is_off_by_one_is_seen(granularity: str) -> None:
    model = tiny.randomise(tiny.ctc(), 0)
    groups = find_groups(model, [granularity])
    masks = {group.name: torch.arange(group.units) != 1 for group in groups}
    small = shrunk(model, groups, {site: mask.roll(1) for site, mask in masks.items()})
    assert difference(masked(model, groups, masks), tiny.output(small)) > MATTERS


@pytest.mark.parametrize(
    ("make", "tensor"),
    [
        *((tiny.ctc, name) for name in ("bias_u", "relative_k_proj", "norm.running_mean", "depthwise_conv.bias")),
        *((tiny.wav2vec2_conformer, name) for name in ("pos_bias_v", "linear_pos", "batch_norm.running_var")),
        *((tiny.wav2vec2_conformer, f"conv_layers.{name}") for name in ("0.layer_norm", "0.conv.bias", "3.conv")),
        (tiny.wav2vec2_bert, "linear_out.weight"),
        *((tiny.lasr, f"subsampler.{name}") for name in ("dense_0.bias", "conv_0", "dense_1")),
    ],
)
def test_a_tensor_that_the_family_forgets_is_seen(make, tensor: str) -> None:
    """Masking only: a slice that is missing leaves its numbers of the masked unit behind, or breaks the small model."""
    model = tiny.randomise(make(), 0)
    groups = [g for g in find_groups(model, ["head", "conv_channel"]) if any(tensor in s.tensor for s in g.slices)]
    assert groups
    masks = {group.name: torch.arange(group.units) != 1 for group in groups}
    forgetful = [replace(g, slices=tuple(s for s in g.slices if tensor not in s.tensor)) for g in groups]
    with pytest.raises(RuntimeError):
        tiny.output(shrunk(model, forgetful, masks))
