import copy
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

import tiny
from secateur.checkpoint import apply_plan, describe, save
from secateur.checkpoint.factors import split_layers
from secateur.errors import ModelError
from secateur.families import family_of, find_groups
from secateur.surgery import ranks, shrink


def low_rank(model, seed: int = 0):
    tiny.split(model)
    groups = find_groups(model, ["rank"])
    masks = tiny.random_masks(groups, seed, share=0.5)
    shrink(model, groups, masks, set_layers=family_of(model).set_layers)
    return model


@pytest.mark.parametrize("make", tiny.MODELS.values(), ids=tiny.MODELS)
def test_a_plan_gives_the_shapes_of_whole_units_and_of_factors(make) -> None:
    model = make(layers=3)
    groups = find_groups(model, ["ffn_unit", "head", "module"])
    shrink(model, groups, tiny.random_masks(groups, 1), set_layers=family_of(model).set_layers)
    low_rank(model)
    other = make(layers=3)
    apply_plan(other, describe(model).plan)
    assert ranks(other) == ranks(model) != {}
    shapes = ({name: tensor.shape for name, tensor in one.state_dict().items()} for one in (model, other))
    assert next(shapes) == next(shapes)


@pytest.mark.parametrize("make", tiny.LANGUAGE_MODELS.values(), ids=tiny.LANGUAGE_MODELS)
def test_saved_and_loaded_it_computes_the_same_bit_for_bit(make, tmp_path: Path) -> None:
    model = low_rank(make())
    save(model, None, tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert torch.equal(tiny.output(loaded), tiny.output(model))
    assert torch.equal(tiny.output(copy.deepcopy(loaded)), tiny.output(model))


@pytest.mark.parametrize(
    ("plan", "fragment"),
    [
        ([], "a mapping for `ranks`"),
        ({"nowhere": 2}, "`nowhere` is none"),
        ({"lm_head": 2}, "`lm_head` is none"),
        ({"transformer.h.0.mlp.c_fc": 0}, "a rank of 1 to 10, but gives 0"),
        ({"transformer.h.0.mlp.c_fc": 11}, "a rank of 1 to 10, but gives 11"),
        ({"transformer.h.0.mlp.c_fc": True}, "but gives True"),
        ({"transformer.h.0.mlp.c_fc": "9" * 1000}, "but gives '999"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(plan, fragment: str) -> None:
    with pytest.raises(ModelError, match=fragment) as error:
        split_layers(tiny.gpt2(), plan)
    assert len(str(error.value)) < 300
