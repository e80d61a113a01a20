import copy

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

import tiny
from secateur.families import LowRank, factorable
from secateur.methods import factors
from secateur.surgery import merge, ranks, split, split_empty, whole

LAYERS = {
    "linear": (nn.Linear(5, 3), (2, 5)),
    "without bias": (nn.Linear(5, 3, bias=False), (2, 5)),
    "transposed": (Conv1D(3, 5), (2, 5)),
    "pointwise": (nn.Conv1d(5, 3, 1), (2, 5, 7)),
}

each = pytest.mark.parametrize(("layer", "shape"), LAYERS.values(), ids=LAYERS)


def model(layer: nn.Module) -> nn.ModuleDict:
    return nn.ModuleDict({"layer": copy.deepcopy(layer)}).double()


@each
def test_split_with_all_components_it_computes_the_same(layer: nn.Module, shape: tuple[int, ...]) -> None:
    owner, x = model(layer), torch.rand(shape, dtype=torch.float64)
    nn.init.normal_(owner["layer"].weight)
    expected = owner["layer"](x)
    tiny.split(owner)
    assert ranks(owner) == {"layer": 3}
    torch.testing.assert_close(owner["layer"](x), expected)


@each
def test_put_together_again_it_is_a_layer_as_before(layer: nn.Module, shape: tuple[int, ...]) -> None:
    owner = model(layer)
    nn.init.normal_(owner["layer"].weight)
    before = {name: tensor.clone() for name, tensor in owner.state_dict().items()}
    tiny.split(owner)
    merge(owner, "layer")
    assert type(owner["layer"]) is type(layer)
    assert owner.state_dict().keys() == before.keys()
    for name, tensor in owner.state_dict().items():
        torch.testing.assert_close(tensor, before[name])


def test_a_layer_keeps_its_device_precision_and_mode() -> None:
    owner = model(nn.Linear(4, 3)).eval().to(torch.bfloat16)
    split_empty(owner, "layer", 2)
    assert owner["layer"].first.weight.dtype == torch.bfloat16
    assert not owner["layer"].training
    with torch.device("meta"):
        shapes = nn.ModuleDict({"layer": nn.Linear(4, 3)})
        split_empty(shapes, "layer", 2)
    assert shapes["layer"].last.weight.is_meta


def test_a_frozen_layer_stays_frozen() -> None:
    owner = model(nn.Linear(4, 3)).requires_grad_(False)
    split(owner, "layer", *factors(owner["layer"].weight))
    assert not any(parameter.requires_grad for parameter in owner.parameters())
    merge(owner, "layer")
    assert not any(parameter.requires_grad for parameter in owner.parameters())


def test_seen_whole_a_model_has_its_layers_and_afterwards_its_factors() -> None:
    owner = tiny.gpt2()
    names = {name: tuple(tensor.shape) for name, tensor in owner.state_dict().items()}
    tiny.split(owner)
    factored = owner.state_dict().keys()
    with whole(owner):
        assert {name: tuple(tensor.shape) for name, tensor in owner.state_dict().items()} == names
        assert factorable(owner)
    assert owner.state_dict().keys() == factored
    assert all(isinstance(owner.get_submodule(name), LowRank) for name in ranks(owner))
    assert not any(parameter.is_meta for parameter in owner.parameters())


def test_an_error_inside_leaves_the_factors_in_place() -> None:
    owner = tiny.split(tiny.gpt2())
    with pytest.raises(KeyError), whole(owner):
        raise KeyError
    assert ranks(owner)
