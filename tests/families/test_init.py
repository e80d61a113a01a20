from itertools import combinations

import pytest
from torch import nn

import tiny
from secateur.errors import ModelError, RecipeError
from secateur.families import FAMILIES, family_of, find_groups


@pytest.mark.parametrize(
    ("family", "make"), [(name, make) for name, models in tiny.BY_FAMILY.items() for make in models.values()]
)
def test_every_model_is_recognised_as_of_its_family_and_of_no_other(family: str, make) -> None:
    model = make()
    assert family_of(model) is FAMILIES[family]
    assert [name for name, other in FAMILIES.items() if other.matches(model)] == [family]


def test_only_the_granularities_asked_for_are_found() -> None:
    found = find_groups(tiny.ctc(), ["head", "layer"])
    assert [group.name for group in found] == [
        "encoder.layers.0:layer",
        "encoder.layers.0.self_attn:head",
        "encoder.layers.1:layer",
        "encoder.layers.1.self_attn:head",
    ]


def test_include_and_exclude_are_patterns_of_sites() -> None:
    found = find_groups(tiny.ctc(), ["head", "ffn_unit"], include=["*layers.0*", "*self_attn*"], exclude=["*forward2*"])
    assert [group.name for group in found] == [
        "encoder.layers.0.feed_forward1:ffn_unit",
        "encoder.layers.0.self_attn:head",
        "encoder.layers.1.self_attn:head",
    ]


@pytest.mark.parametrize(
    ("granularities", "inside"),
    [
        (["head"], ()),
        (["head", "module"], ("encoder.layers.1.self_attn:module",)),
        (["head", "layer"], ("encoder.layers.1:layer",)),
        (["head", "module", "layer"], ("encoder.layers.1.self_attn:module", "encoder.layers.1:layer")),
    ],
)
def test_inside_names_only_sites_that_were_found_the_innermost_first(granularities, inside) -> None:
    found = {group.name: group for group in find_groups(tiny.ctc(), granularities)}
    assert found["encoder.layers.1.self_attn:head"].inside == inside


def test_elements_need_no_family() -> None:
    assert [group.granularity for group in find_groups(nn.Linear(2, 3), ["element"])] == ["element"]


def test_a_model_of_no_family_has_no_whole_units() -> None:
    with pytest.raises(
        ModelError, match=r"known family \(parakeet, wav2vec2_conformer.*is a Linear.*granularity: element"
    ):
        find_groups(nn.Linear(2, 3), ["head"])


@pytest.mark.parametrize("patterns", [{"include": ["decoder*"]}, {"exclude": ["*"]}])
def test_patterns_that_leave_nothing_are_an_error_that_names_sites(patterns) -> None:
    with pytest.raises(RecipeError, match=r"of 2 sites \(encoder.layers.0.self_attn:head.*loosen"):
        find_groups(tiny.ctc(), ["head"], **patterns)


def test_a_granularity_that_a_model_lacks_is_passed_over_beside_others() -> None:
    found = find_groups(tiny.wav2vec2_bert(), ["head", "conv_channel"])
    assert {group.granularity for group in found} == {"head"}


def test_a_granularity_that_a_model_lacks_alone_is_an_error_that_names_those_it_has() -> None:
    with pytest.raises(RecipeError, match=r"family wav2vec2_bert \(layer, module, ffn_unit, head\).*conv_channel"):
        find_groups(tiny.wav2vec2_bert(), ["conv_channel"])


@pytest.mark.parametrize("make", tiny.MODELS.values(), ids=tiny.MODELS)
def test_two_groups_share_a_tensor_only_where_one_is_inside_of_the_other(make) -> None:
    """Else a budget, which adds up what units save, would count the shared part twice."""
    groups = family_of(make()).groups(make())
    for one, other in combinations(groups, 2):
        if one.name not in other.inside and other.name not in one.inside:
            assert not {s.tensor for s in one.slices} & {s.tensor for s in other.slices}


@pytest.mark.parametrize("make", tiny.MODELS.values(), ids=tiny.MODELS)
def test_sites_are_unique_and_lie_inside_of_the_model(make) -> None:
    model = make()
    groups = family_of(model).groups(model)
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    assert len({group.name for group in groups}) == len(groups)
    for group in groups:
        assert all(model.get_submodule(name) for name in (group.module, *group.also, *group.drops))
        for where in group.slices:
            size = 1 if where.dim is None else tensors[where.tensor].shape[where.dim]
            assert where.offset + (group.units if where.dim is not None else 1) * where.width <= size


def test_layers_in_two_factors_have_components_and_zeros_but_no_whole_units() -> None:
    model, linears = tiny.split(tiny.ctc()), ["*linear1*"]
    for granularity in ("rank", "element", "n_of_m", "block"):
        assert find_groups(model, [granularity], include=linears, n_of_m=(1, 2), block=(1, 2))
    with pytest.raises(RecipeError, match=r"must be rank, element, n_of_m or block for a model .* but is head"):
        find_groups(model, ["head"])
