import copy
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from secateur.surgery.attention import HeadConfig, renumber, set_count


def attention() -> Any:
    module: Any = nn.Module()
    module.config = SimpleNamespace(num_attention_heads=4, dropout=0.1)
    return module


def test_the_number_of_heads_is_this_modules_own() -> None:
    module = attention()
    shared = module.config
    set_count(module, "config.num_attention_heads", 3)
    assert module.config.num_attention_heads == 3
    assert shared.num_attention_heads == 4


def test_everything_else_is_read_through_even_when_it_changes_later() -> None:
    module = attention()
    shared = module.config
    set_count(module, "config.num_attention_heads", 3)
    shared.dropout = 0.5
    assert module.config.dropout == 0.5
    with pytest.raises(AttributeError, match="absent"):
        _ = module.config.absent


def test_a_module_that_was_cut_before_is_not_wrapped_twice() -> None:
    module = attention()
    shared = module.config
    for heads in (3, 2):
        set_count(module, "config.num_attention_heads", heads)
    assert vars(module.config) == {"_shared": shared, "num_attention_heads": 2}


def test_a_count_may_be_the_modules_own_attribute() -> None:
    module = attention()
    set_count(module, "num_heads", 2)
    assert module.num_heads == 2
    assert not isinstance(module.config, HeadConfig)


def test_a_copy_has_its_own_configuration() -> None:
    module = attention()
    set_count(module, "config.num_attention_heads", 3)
    other = copy.deepcopy(module)
    module.config._shared.dropout = 0.9
    assert (other.config.num_attention_heads, other.config.dropout) == (3, 0.1)


def test_what_is_inside_of_a_layer_learns_its_new_number() -> None:
    layer = nn.ModuleDict({"attention": nn.Module(), "cross": nn.Module(), "other": nn.Module()})
    layer["attention"].layer_idx, layer["cross"].layer_idx, layer["other"].layer_idx = 5, 5, None
    renumber(layer, 2)
    assert [module.layer_idx for module in layer.values()] == [2, 2, None]
