from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCTC
from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING, AUTO_QUANTIZER_MAPPING

import tiny
from secateur.checkpoint import apply_plan, describe, save
from secateur.checkpoint.hook import METHOD, SecateurConfig, SecateurLoader
from secateur.errors import ModelError
from secateur.families import FAMILIES, family_of, find_groups
from secateur.surgery import shrink

HEAD = "encoder.layers.0.self_attn:head"
PLAN = {"schema": 1, "family": "parakeet", "units": {HEAD: 2}}


def shapes(model) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def test_the_tables_lead_to_the_hook() -> None:
    config = AUTO_QUANTIZATION_CONFIG_MAPPING[METHOD].from_dict({"quant_method": METHOD, "plan": PLAN})
    assert isinstance(config, SecateurConfig)
    assert isinstance(AUTO_QUANTIZER_MAPPING[METHOD](config), SecateurLoader)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", tiny.MODELS.values(), ids=tiny.MODELS)
def test_applying_the_description_of_a_pruned_model_gives_its_shapes(make, seed: int) -> None:
    model = make(layers=3)
    groups = find_groups(model, ["ffn_unit", "head", "conv_channel", "module"])
    shrink(model, groups, tiny.random_masks(groups, seed), set_layers=family_of(model).set_layers)
    other = make(layers=3)
    apply_plan(other, describe(model).plan)
    assert shapes(other) == shapes(model)


def test_loaded_weights_lie_where_fresh_ones_would(tmp_path: Path) -> None:
    """Odd shapes lie anywhere in a file, and matrix products differ in the last bit by that."""
    model = tiny.ctc()
    groups = find_groups(model, ["ffn_unit", "conv_channel"])
    shrink(model, groups, tiny.random_masks(groups, 0), set_layers=family_of(model).set_layers)
    save(model, None, tmp_path)
    loaded = AutoModelForCTC.from_pretrained(tmp_path)
    assert {tensor.data_ptr() % 64 for tensor in loaded.state_dict().values()} == {0}
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in loaded.state_dict().items())


def test_a_block_may_have_lost_all_its_modules() -> None:
    model, other = tiny.ctc(), tiny.ctc()
    groups = find_groups(model, ["module"], include=["*layers.0*"])
    shrink(model, groups, {g.name: torch.tensor([False]) for g in groups}, set_layers=family_of(model).set_layers)
    apply_plan(other, describe(model).plan)
    assert shapes(other) == shapes(model)


@pytest.mark.parametrize(
    ("plan", "fragment"),
    [
        (None, "must have schema 1"),
        ([], "must have schema 1"),
        ({}, "has schema None"),
        ({**PLAN, "schema": 2}, "has schema 2"),
        ({**PLAN, "units": [HEAD]}, "a mapping for `units`"),
        ({"schema": 1, "family": "parakeet"}, "a mapping for `units`"),
        (
            {**PLAN, "family": "whisper"},
            f"a known family ({', '.join(FAMILIES)}), but is for 'whisper'",
        ),
        ({**PLAN, "family": ["parakeet"]}, "but is for ['parakeet']"),
        ({**PLAN, "family": None}, "but is for None"),
        ({**PLAN, "units": {HEAD: 9}}, "keeps 9"),
        ({**PLAN, "units": {"nowhere:head": 1}}, "`nowhere:head` is none"),
        ({**PLAN, "units": {7: 1}}, "`7` is none"),
    ],
)
def test_a_garbled_plan_is_a_sentence_and_changes_nothing(plan, fragment: str) -> None:
    model = tiny.ctc()
    before = shapes(model)
    with pytest.raises(ModelError) as caught:
        apply_plan(model, plan)
    assert fragment in str(caught.value)
    assert shapes(model) == before


def test_the_configuration_is_written_as_it_is_read() -> None:
    written = SecateurConfig(PLAN).to_dict()
    assert written == SecateurConfig(PLAN).to_diff_dict() == {"quant_method": METHOD, "plan": PLAN}
    assert SecateurConfig.from_dict(written).plan == PLAN


def test_a_loaded_model_counts_as_any_other() -> None:
    loader = SecateurLoader(SecateurConfig(PLAN))
    assert loader.is_serializable()
    assert loader.is_trainable
    assert loader.is_qat_trainable
    assert loader.is_compileable
