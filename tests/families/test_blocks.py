from types import SimpleNamespace

import pytest
import torch
from torch import nn

from secateur.families.blocks import Block, Blocks, Branch
from secateur.families.units import HiddenUnits
from secateur.group import Group


class FeedForward(nn.Module):
    def __init__(self, width: int = 7) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(3, width), nn.Linear(width, 3)


class Layer(nn.Module):
    def __init__(self, **widths: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(3)
        self.first = FeedForward(**widths)
        self.second = FeedForward(**widths)
        self.last_norm = nn.LayerNorm(3)


class Encoder(nn.Module):
    def __init__(self, **widths: int) -> None:
        super().__init__()
        self.config = SimpleNamespace(num_attention_heads=2, hidden_size=3, num_hidden_layers=2)
        self.layers = nn.ModuleList([Layer(**widths), Layer(**widths)])


class Model(nn.Module):
    def __init__(self, **widths: int) -> None:
        super().__init__()
        self.encoder = Encoder(**widths)
        self.config = SimpleNamespace(
            encoder_config=SimpleNamespace(num_hidden_layers=2), num_hidden_layers="untouched"
        )


UNITS = HiddenUnits(first="up", last="down")
FIRST = Branch(name="first", kind=FeedForward, norm="norm", units=UNITS, last="down")
SECOND = Branch(name="second", kind=FeedForward, last="down", outputs=2)
CONFORMER = Blocks(encoder=Encoder, blocks=(Block(kind=Layer, branches=(FIRST, SECOND)),))


def groups(model: nn.Module, conformer: Blocks = CONFORMER) -> dict[str, Group]:
    return {group.name: group for group in conformer.groups(model)}


def test_only_a_model_with_such_an_encoder_matches() -> None:
    assert CONFORMER.matches(Model())
    assert CONFORMER.matches(Encoder())
    assert not CONFORMER.matches(Layer())


def test_every_block_has_itself_its_branches_and_their_units_the_outer_before_the_inner() -> None:
    assert list(groups(Model())) == [
        f"encoder.layers.{i}{place}"
        for i in range(2)
        for place in (":layer", ".first:module", ".first:ffn_unit", ".second:module")
    ]


def test_units_are_inside_of_their_branch_and_that_inside_of_its_block() -> None:
    found = groups(Model())
    assert found["encoder.layers.0.first:ffn_unit"].inside == (
        "encoder.layers.0.first:module",
        "encoder.layers.0:layer",
    )
    assert found["encoder.layers.0.first:module"].inside == ("encoder.layers.0:layer",)
    assert found["encoder.layers.0:layer"].inside == ()


def test_a_branch_takes_the_norm_in_front_of_it_along_where_that_is_outside() -> None:
    found = groups(Model())
    first, second = found["encoder.layers.1.first:module"], found["encoder.layers.1.second:module"]
    assert first.drops == ("encoder.layers.1.norm",)
    assert {s.tensor for s in first.slices} >= {"encoder.layers.1.norm.weight", "encoder.layers.1.norm.bias"}
    assert (second.drops, second.outputs) == ((), 2)
    assert {s.tensor.removeprefix("encoder.layers.1.second.") for s in second.slices} == {
        "up.weight",
        "up.bias",
        "down.weight",
        "down.bias",
    }


def test_the_gates_of_blocks_and_branches_are_their_last_layers() -> None:
    found = groups(Model())
    layer = {s.tensor for s in found["encoder.layers.0:layer"].slices if s.gate}
    branches = {
        s.tensor for name in ("first", "second") for s in found[f"encoder.layers.0.{name}:module"].slices if s.gate
    }
    assert layer == branches
    assert {name.rpartition(".")[0].rpartition(".")[2] for name in layer} == {"down"}


def test_what_stands_where_a_branch_was_is_no_branch() -> None:
    model = Model()
    model.encoder.layers[0].first = nn.Identity()
    assert "encoder.layers.0.first:module" not in groups(model)
    assert "encoder.layers.1.first:module" in groups(model)


@pytest.mark.parametrize("how", ["the block stays", "the model weighs its blocks"])
def test_blocks_that_cannot_leave_hold_nothing(how: str) -> None:
    model, conformer = Model(), CONFORMER
    if how == "the block stays":
        conformer = Blocks(encoder=Encoder, blocks=(Block(kind=Layer, branches=(FIRST,), leaves=False),))
    else:
        model.layer_weights = nn.Parameter(torch.ones(3))
    found = groups(model, conformer)
    assert not any(name.endswith(":layer") for name in found)
    assert found["encoder.layers.0.first:module"].inside == ()


def test_a_branch_that_must_stay_may_still_lose_units() -> None:
    branch = Branch(name="first", kind=FeedForward, units=UNITS, last="down", whole=False)
    conformer = Blocks(encoder=Encoder, blocks=(Block(kind=Layer, branches=(branch,)),))
    found = groups(Model(), conformer)
    assert "encoder.layers.0.first:module" not in found
    assert found["encoder.layers.0.first:ffn_unit"].inside == ("encoder.layers.0:layer",)


def test_names_are_right_where_the_model_is_the_block() -> None:
    conformer = Blocks(encoder=Encoder, blocks=(Block(kind=Layer, branches=(FIRST,), leaves=False),))
    assert [group.module for group in conformer.groups(Layer())] == ["first", "first"]


def test_the_number_of_layers_goes_into_the_nested_configuration_and_the_encoders() -> None:
    model = Model()
    CONFORMER.set_layers(model, 1)
    assert model.config.encoder_config.num_hidden_layers == model.encoder.config.num_hidden_layers == 1
    assert model.config.num_hidden_layers == "untouched"


def test_one_width_says_it_all_where_every_branch_is_there() -> None:
    model = Model(width=5)
    assert CONFORMER.feed_forward_width(model) == 5
    model.encoder.layers[1].first = FeedForward(width=4)
    assert CONFORMER.feed_forward_width(model) is None
    model.encoder.layers[1].first = nn.Identity()
    assert CONFORMER.feed_forward_width(model) is None
