from pathlib import Path
from typing import Any

import pytest
import yaml

import secateur
from secateur.errors import RecipeError
from secateur.recipes import recipe_from, sweep_from
from speech import alone, fields, no_process_for_memory, write_audio

__all__ = ["alone", "no_process_for_memory"]


def sources(folder: Path) -> list[Any]:
    """A recipe in every form that the verbs take."""
    given = fields(folder)
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(given))
    return [given, path, str(path), recipe_from(given)]


def test_a_recipe_may_come_in_every_form(tmp_path: Path) -> None:
    one, two, *_ = (secateur.plan(source) for source in sources(tmp_path)[:2])
    assert one == two


def test_overrides_reach_any_field_of_any_form(tmp_path: Path) -> None:
    for source in sources(tmp_path)[1:]:
        found = secateur.plan(source, "target.params=0.6", "round_to=2")
        assert found["target"]["kept"] == pytest.approx(0.6)


def test_a_shipped_recipe_is_named(tmp_path: Path) -> None:
    given = fields(tmp_path)
    found = secateur.plan("one-shot-magnitude", f"model={given['model']}", "data={}")
    assert found["target"]["kept"] == pytest.approx(0.9)


def test_pruning_evaluating_timing_and_transcribing_are_functions(tmp_path: Path) -> None:
    report = secateur.prune(fields(tmp_path), out=tmp_path / "out")
    small = str(tmp_path / "out" / "model")
    assert report["target"]["reached"] <= 0.8
    assert secateur.evaluate(small, [str(tmp_path / "test.jsonl")])["wer"] == report["pruned"]["wer"]
    assert len(secateur.transcribe(small, [write_audio(tmp_path / "a.wav")])) == 1


def test_a_sweep_may_come_in_every_form(tmp_path: Path) -> None:
    given = {"recipe": fields(tmp_path, data={}), "grid": {"criterion": ["magnitude", "random"]}}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(given))
    for number, source in enumerate([given, tmp_path / "sweep.yaml", sweep_from(given)]):
        found = secateur.sweep(source, "target.params=0.9", out=tmp_path / str(number))
        assert [entry["cell"] for entry in found] == ["magnitude", "random"]
        assert all(entry["target"]["kept"] == pytest.approx(0.9) for entry in found)
    with pytest.raises(RecipeError, match="did you mean demo-grid"):
        secateur.sweep("demo-gri", out=tmp_path / "none")


@pytest.mark.parametrize("override", ["target.params=50", "no_such_field=1", "what"])
def test_a_wrong_override_is_a_sentence_for_every_form(override: str, tmp_path: Path) -> None:
    for source in sources(tmp_path):
        with pytest.raises(RecipeError):
            secateur.plan(source, override)


def test_a_wrong_recipe_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"did you mean `target`\?"):
        secateur.prune({**fields(tmp_path), "taget": {}}, out=tmp_path / "out")
    with pytest.raises(RecipeError, match=r"did you mean prune-half\?"):
        secateur.plan("prune-hal")
    with pytest.raises(RecipeError, match="2 problems"):
        secateur.prune(
            {"model": "m", "target": {"params": 0.5}, "granularity": ["element", "head"]}, out=tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()
