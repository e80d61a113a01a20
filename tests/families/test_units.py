import pytest
from torch import nn
from transformers.pytorch_utils import Conv1D

from secateur.families.units import Channels, Heads, HiddenUnits, channels_between, joined, present, unused
from secateur.group import Slice


class Attention(nn.Module):
    def __init__(self, heads: int, width: int, *, keys: int | None = None) -> None:
        super().__init__()
        self.heads, self.width, self.rows = heads, width, heads * width
        self.q = nn.Linear(5, heads * width)
        self.k = nn.Linear(5, (keys or heads) * width, bias=False)
        self.out = nn.Linear(heads * width, 5)
        self.bias = nn.Parameter(self.q.weight.new_zeros(heads, width))


COUNTS = ("heads", "rows")


def where(slices: tuple[Slice, ...]) -> list[tuple]:
    return [(s.tensor, s.dim, s.width, s.offset, s.gate) for s in slices]


def test_a_hidden_unit_is_a_row_a_bias_and_a_column() -> None:
    module = nn.ModuleDict({"up": nn.Linear(3, 7), "down": nn.Linear(7, 3)})
    group = HiddenUnits(first="up", last="down")("a.ff", module, ("a:layer",))
    assert (group.name, group.granularity, group.module, group.units) == ("a.ff:ffn_unit", "ffn_unit", "a.ff", 7)
    assert group.inside == ("a:layer",)
    assert where(group.slices) == [
        ("a.ff.up.weight", 0, 1, 0, False),
        ("a.ff.up.bias", 0, 1, 0, False),
        ("a.ff.down.weight", 1, 1, 0, True),
    ]


def test_a_head_is_as_many_rows_as_it_is_wide_and_a_row_of_every_bias_per_head() -> None:
    heads = Heads(projections=("q", "k", "absent"), last="out", width="width", biases=("bias",), counts=COUNTS)
    group = heads("att", Attention(3, 4), ())
    assert (group.name, group.units, group.counts) == ("att:head", 3, (("heads", 1), ("rows", 4)))
    assert where(group.slices) == [
        ("att.q.weight", 0, 4, 0, False),
        ("att.q.bias", 0, 4, 0, False),
        ("att.k.weight", 0, 4, 0, False),
        ("att.bias", 0, 1, 0, False),
        ("att.out.weight", 1, 4, 0, True),
    ]


def test_heads_that_share_one_of_keys_are_one_unit() -> None:
    heads = Heads(projections=("q", "k"), last="out", width="width", biases=("bias",), counts=COUNTS)
    group = heads("att", Attention(6, 4, keys=2), ())
    assert (group.units, group.counts) == (2, (("heads", 3), ("rows", 12)))
    assert where(group.slices) == [
        ("att.q.weight", 0, 12, 0, False),
        ("att.q.bias", 0, 12, 0, False),
        ("att.k.weight", 0, 4, 0, False),
        ("att.bias", 0, 3, 0, False),
        ("att.out.weight", 1, 12, 0, True),
    ]


def test_a_head_of_packed_and_transposed_projections_is_a_run_of_columns_of_each() -> None:
    module = nn.ModuleDict({"qkv": Conv1D(3 * 6, 5), "out": Conv1D(5, 6)})
    module.width = 2
    heads = Heads(projections=("qkv",), last="out", width="width", packed=3, transposed=True)
    assert where(heads("att", module, ()).slices) == [
        *(
            ("att.qkv." + tensor, dim, 2, at, False)
            for at in (0, 6, 12)
            for tensor, dim in (("weight", 1), ("bias", 0))
        ),
        ("att.out.weight", 0, 2, 0, True),
    ]


def test_a_gated_unit_is_a_row_of_both_layers_in_front() -> None:
    module = nn.ModuleDict({"up": nn.Linear(3, 7), "gate": nn.Linear(3, 7, bias=False), "down": nn.Linear(7, 3)})
    group = HiddenUnits(first="up", factor="gate", last="down")("ff", module, ())
    assert [tensor for tensor, *_ in where(group.slices)] == [
        "ff.up.weight",
        "ff.up.bias",
        "ff.gate.weight",
        "ff.down.weight",
    ]


def test_layers_without_a_module_around_them_both_cost_less() -> None:
    block = nn.ModuleDict({"up": nn.Linear(3, 7), "down": nn.Linear(7, 3)})
    group = HiddenUnits(first="up", last="down", loose=True)("block", block, ())
    assert (group.name, group.module, group.also) == ("block.up:ffn_unit", "block.up", ("block.down",))


def test_a_transposed_unit_is_a_column_and_a_row() -> None:
    module = nn.ModuleDict({"up": Conv1D(7, 3), "down": Conv1D(3, 7)})
    group = HiddenUnits(first="up", last="down", transposed=True)("ff", module, ())
    assert group.units == 7
    assert where(group.slices) == [
        ("ff.up.weight", 1, 1, 0, False),
        ("ff.up.bias", 0, 1, 0, False),
        ("ff.down.weight", 0, 1, 0, True),
    ]


def test_a_channel_is_both_halves_a_filter_a_norm_entry_and_a_column() -> None:
    layers = {
        "gated": nn.Conv1d(3, 8, 1, bias=False),
        "depthwise": nn.Conv1d(4, 4, 3, groups=4),
        "norm": nn.BatchNorm1d(4),
        "last": nn.Conv1d(4, 3, 1),
    }
    channels = Channels(gated="gated", depthwise="depthwise", norm="norm", last="last")
    group = channels("conv", nn.ModuleDict(layers), ())
    assert (group.name, group.units) == ("conv:conv_channel", 4)
    assert where(group.slices) == [
        ("conv.gated.weight", 0, 1, 0, False),
        ("conv.gated.weight", 0, 1, 4, False),
        ("conv.depthwise.weight", 0, 1, 0, False),
        ("conv.depthwise.bias", 0, 1, 0, False),
        *((f"conv.norm.{name}", 0, 1, 0, False) for name in ("weight", "bias", "running_mean", "running_var")),
        ("conv.last.weight", 1, 1, 0, True),
    ]


def test_a_channel_between_two_layers_is_a_row_and_a_column_and_both_layers_cost_less() -> None:
    chain = nn.ModuleDict({"one": nn.Conv1d(2, 6, 3), "norm": nn.GroupNorm(6, 6), "two": nn.Conv1d(6, 5, 3)})
    group = channels_between("front", chain, "one", "two", norms=("norm",))
    assert (group.name, group.module, group.also, group.units) == (
        "front.one:conv_channel",
        "front.one",
        ("front.two",),
        6,
    )
    assert where(group.slices) == [
        ("front.one.weight", 0, 1, 0, False),
        ("front.one.bias", 0, 1, 0, False),
        ("front.norm.weight", 0, 1, 0, False),
        ("front.norm.bias", 0, 1, 0, False),
        ("front.two.weight", 1, 1, 0, True),
    ]


def test_a_channel_may_pass_a_filter_and_be_read_at_several_places() -> None:
    layers = {"one": nn.Conv2d(1, 6, 3), "filter": nn.Conv2d(6, 6, 3, groups=6), "read": nn.Linear(6 * 5, 2)}
    group = channels_between("", nn.ModuleDict(layers), "one", "read", filters=("filter",), width=5)
    assert (group.module, group.also, group.units) == ("one", ("filter", "read"), 6)
    assert where(group.slices) == [
        ("one.weight", 0, 1, 0, False),
        ("one.bias", 0, 1, 0, False),
        ("filter.weight", 0, 1, 0, False),
        ("filter.bias", 0, 1, 0, False),
        ("read.weight", 1, 5, 0, True),
    ]


def test_what_nobody_calls_leaves_whole_and_has_no_gate() -> None:
    group = unused("dead", nn.Linear(2, 3))
    assert (group.name, group.granularity, group.units) == ("dead:module", "module", 1)
    assert where(group.slices) == [("dead.weight", None, 1, 0, False), ("dead.bias", None, 1, 0, False)]


@pytest.mark.parametrize(("path", "name", "found"), [("", "a", "a"), ("a", "b.c", "a.b.c")])
def test_the_whole_model_has_no_name(path: str, name: str, found: str) -> None:
    assert joined(path, name) == found


def test_tensors_that_a_model_lacks_are_left_out() -> None:
    slices = [Slice(tensor="a.weight"), Slice(tensor="a.bias"), Slice(tensor="b.weight")]
    assert present("a", nn.Linear(2, 2, bias=False), slices) == (slices[0],)
