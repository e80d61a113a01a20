import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCTC

import tiny
from secateur.checkpoint import save, save_packed
from secateur.checkpoint.quantized import round_weights
from secateur.errors import MissingExtraError, ModelError
from secateur.families import family_of, find_groups
from secateur.surgery import shrink
from sparse_weights import sparse, zeroed


def same(one, other) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("values", [None, "I8"])
@pytest.mark.parametrize("make", tiny.MODELS.values(), ids=tiny.MODELS)
def test_what_is_loaded_is_what_was_packed(tmp_path: Path, make, values: str | None) -> None:
    model = zeroed(make(layers=2))
    assert save_packed(model, None, tmp_path, values=values).layouts
    loaded, info = type(model).from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    if values is not None:
        round_weights(model)
    assert same(loaded, model)


@pytest.mark.parametrize("make", tiny.MODELS.values(), ids=tiny.MODELS)
def test_a_pruned_model_keeps_its_plan(tmp_path: Path, make) -> None:
    model = make(layers=3)
    groups = find_groups(model, ["ffn_unit", "head", "conv_channel", "module"])
    shrink(model, groups, tiny.random_masks(groups, 0), set_layers=family_of(model).set_layers)
    save_packed(zeroed(model), None, tmp_path)
    assert same(type(model).from_pretrained(tmp_path), model)


def test_what_is_loaded_is_an_ordinary_model(tmp_path: Path) -> None:
    """It can be saved again, and no trace of the packed file is left."""
    model = zeroed(tiny.ctc())
    save_packed(model, None, tmp_path / "packed")
    loaded = AutoModelForCTC.from_pretrained(tmp_path / "packed")
    assert not hasattr(loaded.config, "quantization_config")
    loaded.save_pretrained(tmp_path / "again")
    assert "quantization_config" not in json.loads((tmp_path / "again" / "config.json").read_text())
    assert same(AutoModelForCTC.from_pretrained(tmp_path / "again"), model)


def test_a_pruned_one_saved_again_has_its_plan_alone(tmp_path: Path) -> None:
    model = tiny.ctc()
    groups = find_groups(model, ["ffn_unit"])
    shrink(model, groups, tiny.random_masks(groups, 0), set_layers=family_of(model).set_layers)
    save_packed(model, None, tmp_path / "packed", values="I8")
    loaded = AutoModelForCTC.from_pretrained(tmp_path / "packed")
    loaded.save_pretrained(tmp_path / "again")
    assert set(json.loads((tmp_path / "again" / "config.json").read_text())["quantization_config"]) == {
        "quant_method",
        "plan",
    }
    assert same(AutoModelForCTC.from_pretrained(tmp_path / "again"), loaded)


def test_packing_leaves_the_model_and_its_configuration_as_they_are(tmp_path: Path) -> None:
    model = zeroed(tiny.ctc())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    save_packed(model, None, tmp_path, values="I8", compress=True)
    assert not hasattr(model.config, "quantization_config")
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_packing_integers_again_changes_nothing(tmp_path: Path) -> None:
    save_packed(zeroed(tiny.ctc()), None, tmp_path / "once", values="I8")
    save_packed(AutoModelForCTC.from_pretrained(tmp_path / "once"), None, tmp_path / "twice", values="I8")
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("once", "twice")]
    assert files[0] == files[1]


def test_it_is_smaller_than_the_plain_file_and_with_zstd_smaller_still(tmp_path: Path) -> None:
    model = tiny.ctc()
    with torch.no_grad():
        model.encoder.layers[0].feed_forward1.linear1.weight = torch.nn.Parameter(sparse((512, 512), 0.8))
    ways = {"plain": lambda to: save(model, None, to), "packed": lambda to: save_packed(model, None, to)}
    ways["zstd"] = lambda to: save_packed(model, None, to, compress=True)
    for name, way in ways.items():
        way(tmp_path / name)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ways]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(("bad", "values"), [(float("nan"), None), (float("inf"), "I8"), (1e30, "F16")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, bad: float, values: str | None) -> None:
    model = zeroed(tiny.ctc())
    with torch.no_grad():
        model.encoder.layers[0].feed_forward1.linear1.weight[0, 0] = bad
    with pytest.raises(ModelError, match=r"`encoder.layers.0.feed_forward1.linear1.weight` holds 1 that are not"):
        save_packed(model, None, tmp_path / "out", values=values)
    assert not (tmp_path / "out").exists()


def test_without_the_extra_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secateur.checkpoint.packed.zstd.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"secateur\[packed\]"):
        save_packed(zeroed(tiny.ctc()), None, tmp_path / "out", compress=True)
    assert not (tmp_path / "out").exists()
