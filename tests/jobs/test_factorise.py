from pathlib import Path
from typing import Any

import pytest
import torch

from secateur.errors import RecipeError
from secateur.families import LowRank
from secateur.jobs.factorise import factorise, layers_to_split
from secateur.recipes import recipe_from
from secateur.surgery import ranks
from secateur.tasks import task_for
from texts import language_model, save_language_model, text_fields, tokenizer


def recipe(folder: Path, **changed: Any) -> Any:
    fields = text_fields(folder, model=str(folder / "m"), method="low_rank", granularity="rank", target={"params": 0.8})
    return recipe_from({**fields, "calibration_batches": 2, **changed})


def split(folder: Path, **changed: Any) -> Any:
    save_language_model(folder / "m")
    wanted = recipe(folder, **changed)
    model = task_for(wanted).load(str(folder / "m"))
    factorise(wanted, task_for(wanted), model, tokenizer())
    return model


@pytest.mark.parametrize("factors", ["svd", "fisher", "whitened"])
def test_every_layer_is_split_and_the_function_stays(factors: str, tmp_path: Path) -> None:
    model, tokens = split(tmp_path, low_rank={"factors": factors}), torch.arange(12)[None]
    assert len(ranks(model)) == 8  # c_attn, c_proj, c_fc, c_proj in two blocks
    torch.testing.assert_close(model(tokens).logits, language_model().eval()(tokens).logits, atol=1e-5, rtol=1e-4)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_the_ways_differ_in_what_their_components_are(tmp_path: Path) -> None:
    name = "transformer.h.0.mlp.c_fc"
    found = {
        factors: split(tmp_path / factors, low_rank={"factors": factors}).get_submodule(name).first.weight
        for factors in ("svd", "fisher", "whitened")
    }
    assert not torch.allclose(found["svd"], found["fisher"], atol=1e-3)
    assert not torch.allclose(found["svd"], found["whitened"], atol=1e-3)


def test_patterns_choose_by_the_names_of_the_sites(tmp_path: Path) -> None:
    model = split(tmp_path, include=["*mlp*"], exclude=["*.1.*"], low_rank={"factors": "svd"})
    assert set(ranks(model)) == {"transformer.h.0.mlp.c_fc", "transformer.h.0.mlp.c_proj"}


def test_patterns_that_leave_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"of 8 sites \(transformer.h.0.attn.c_attn:rank, .*loosen a pattern"):
        split(tmp_path, include=["nothing"])


def test_a_model_in_factors_is_taken_as_it_is(tmp_path: Path) -> None:
    model = split(tmp_path, low_rank={"factors": "svd"})
    assert layers_to_split(recipe(tmp_path), model) == {}


def test_other_methods_leave_layers_whole(tmp_path: Path) -> None:
    model = split(tmp_path, method="scheduled", granularity=["head"])
    assert not any(isinstance(module, LowRank) for module in model.modules())
