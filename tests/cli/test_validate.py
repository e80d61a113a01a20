from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from secateur.cli.validate import EXAMPLES, validate
from secateur.errors import RecipeError, RequestError
from secateur.recipes import dump, load

WRONG: list[tuple[list[str], str]] = [
    (["target.params=50"], "did you mean 0.5?"),
    (["shedule.end=0.5"], "did you mean `schedule`?"),
    (["seed"], "must be `key=value`"),
    (["seed=a", "round_to=0"], "2 problems"),
]


def test_validate_prints_the_resolved_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    validate("prune-half", ["target.params=0.4"])
    captured = capsys.readouterr()
    assert captured.out == dump(load("prune-half", ["target.params=0.4"], verb="prune"))
    assert captured.err == "valid for `secateur prune`\n"


def test_validate_sees_that_a_recipe_without_target_trains(capsys: pytest.CaptureFixture[str]) -> None:
    validate("train-an4-digits")
    assert "secateur train" in capsys.readouterr().err


def test_validate_prints_a_sweep_and_names_its_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate("demo-grid", ["grid.target.params=[0.5]", "seeds=[0,1]"])
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert lines[0] == "valid for `secateur sweep`, 8 cells:"
    assert lines[1] == "  magnitude-inside-params0.5-seed0"
    assert len(lines) == 9
    (tmp_path / "mine.yaml").write_text(said.out, encoding="utf-8")
    validate(str(tmp_path / "mine.yaml"))
    assert capsys.readouterr() == said


def test_validate_says_what_is_wrong_with_a_sweep() -> None:
    with pytest.raises(RecipeError, match="3 problems"):
        validate("demo-grid", ["sede=1", "target.params=0.3", "grid.criterion=[taylr]"])
    with pytest.raises(RequestError, match="`--verb` must be absent for a sweep"):
        validate("demo-grid", verb="prune")


def test_validate_may_be_told_the_verb() -> None:
    with pytest.raises(RecipeError, match="`target` must be absent"):
        validate("prune-half", verb="train")


@pytest.mark.parametrize(("overrides", "fragment"), WRONG)
def test_validate_says_what_is_wrong(overrides: list[str], fragment: str) -> None:
    with pytest.raises(RecipeError) as caught:
        validate("prune-half", overrides)
    assert fragment in str(caught.value)


def test_what_validate_prints_is_a_recipe(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command(epilog=EXAMPLES)(validate)
    result = CliRunner().invoke(app, ["prune-half", "seed=3", "schedule.end=0.5", "--verb", "plan"])
    (tmp_path / "mine.yaml").write_text(result.stdout, encoding="utf-8")
    assert load(tmp_path / "mine.yaml", verb="plan").seed == 3


def test_help_ends_in_examples() -> None:
    app = typer.Typer()
    app.command(epilog=EXAMPLES)(validate)
    shown = CliRunner().invoke(app, ["--help"]).output
    assert shown.strip().endswith("secateur validate mine.yaml --verb plan")
    assert "[KEY=VALUE]..." in shown
