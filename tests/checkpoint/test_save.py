import json
from pathlib import Path

import pytest
import torch

import tiny
from secateur.checkpoint import mark, save
from secateur.families import family_of, find_groups
from secateur.surgery import shrink


def pruned(model, **kept: int):
    groups = [group for group in find_groups(model, tiny.STRUCTURED) if group.granularity in kept]
    masks = {group.name: torch.arange(group.units) < kept[group.granularity] for group in groups}
    shrink(model, groups, masks, set_layers=family_of(model).set_layers)
    return model


class Processor:
    def save_pretrained(self, folder: Path) -> None:
        (folder / "processor_config.json").write_text("{}")


@pytest.mark.parametrize(
    ("kept", "planned"), [({}, False), ({"ffn_unit": 6}, False), ({"head": 2}, True), ({"conv_channel": 5}, True)]
)
def test_a_plan_is_written_only_where_the_configuration_cannot_say_it(kept, planned: bool) -> None:
    model = pruned(tiny.ctc(), **kept)
    mark(model)
    assert hasattr(model.config, "quantization_config") is planned
    assert model.config.encoder_config.intermediate_size == kept.get("ffn_unit", tiny.UNITS)


def test_a_plan_that_is_not_needed_any_more_is_taken_out() -> None:
    model = pruned(tiny.ctc(), head=2)
    mark(model)
    shrink(
        model,
        find_groups(model, ["layer"]),
        {f"encoder.layers.{i}:layer": torch.tensor([False]) for i in range(2)},
        set_layers=family_of(model).set_layers,
    )
    model.encoder.layers.append(tiny.ctc(layers=1).encoder.layers[0])
    mark(model)
    assert not hasattr(model.config, "quantization_config")


def test_the_plan_says_the_shapes_that_the_model_has_now(tmp_path: Path) -> None:
    save(pruned(tiny.ctc(layers=1), head=2, conv_channel=3), None, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["quantization_config"] == {
        "quant_method": "secateur",
        "plan": {
            "schema": 1,
            "family": "parakeet",
            "units": {
                "encoder.subsampling.layers.0:conv_channel": 3,
                "encoder.layers.0.feed_forward1:ffn_unit": tiny.UNITS,
                "encoder.layers.0.self_attn:head": 2,
                "encoder.layers.0.conv:conv_channel": 3,
                "encoder.layers.0.feed_forward2:ffn_unit": tiny.UNITS,
            },
        },
    }


def test_nothing_but_json_and_safetensors_is_written(tmp_path: Path) -> None:
    save(pruned(tiny.ctc(), head=2), Processor(), tmp_path)
    assert {file.suffix for file in tmp_path.iterdir()} == {".json", ".safetensors"}
    assert (tmp_path / "processor_config.json").exists()
