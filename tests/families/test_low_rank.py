import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

import tiny
from secateur.families import LowRank, factorable, matrix_of
from secateur.families.low_rank import KINDS, components
from secateur.surgery import split_empty


class Derived(nn.Linear):
    pass


def model(layer: nn.Module) -> nn.Module:
    return nn.ModuleDict({"layer": layer})


@pytest.mark.parametrize("layer", [nn.Linear(3, 2), Conv1D(2, 3), nn.Conv1d(3, 2, 1)])
def test_layers_that_are_a_matrix_can_be_split(layer: nn.Module) -> None:
    assert factorable(model(layer)) == {"layer": layer}
    assert matrix_of(layer).shape == (2, 3)


@pytest.mark.parametrize(
    "layer",
    [
        Derived(3, 2),
        nn.Embedding(3, 2),
        nn.Conv1d(3, 2, 3),
        nn.Conv1d(4, 2, 1, groups=2),
        nn.Conv1d(3, 2, 1, stride=2),
        nn.Conv2d(3, 2, 1),
    ],
    ids=str,
)
def test_others_cannot(layer: nn.Module) -> None:
    assert factorable(model(layer)) == {}


def test_what_shares_its_weight_stays_whole() -> None:
    assert list(factorable(tiny.Plain())) == []
    assert "lm_head" not in factorable(tiny.gpt2())
    assert "lm_head" in factorable(tiny.gpt2(tie_word_embeddings=False))


def test_factors_are_not_split_again() -> None:
    split = tiny.split(tiny.opt())
    assert factorable(split) == {}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_weight_is_what_its_matrix_leads_back_to(kind: type) -> None:
    layer = KINDS[kind].make(3, 2, True)
    assert type(layer) is kind
    assert torch.equal(KINDS[kind].weight(matrix_of(layer)), layer.weight)


def test_two_layers_show_the_weight_of_the_one_that_they_were() -> None:
    whole = model(Conv1D(2, 3))
    expected = whole["layer"].weight.detach().clone()
    pair = tiny.split(whole)["layer"]
    assert isinstance(pair, LowRank)
    torch.testing.assert_close(pair.weight, expected)


def test_a_component_is_a_row_and_the_column_that_reads_it() -> None:
    split = model(nn.Linear(6, 3))
    split_empty(split, "layer", 3)
    (group,) = components(split)
    assert (group.name, group.granularity, group.units) == ("layer:rank", "rank", 3)
    first, last = group.slices
    assert (first.tensor, first.dim, first.gate) == ("layer.first.weight", 0, False)
    assert (last.tensor, last.dim, last.gate) == ("layer.last.weight", 1, True)
    assert group.free == 3 - 6 * 3 / (6 + 3)


def test_below_the_break_even_rank_every_component_saves() -> None:
    split = model(nn.Linear(6, 3))
    split_empty(split, "layer", 1)
    assert components(split)[0].free == 0.0
