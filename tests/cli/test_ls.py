import pytest
import typer
from typer.testing import CliRunner

from secateur.cli.ls import EXAMPLES, ls
from secateur.errors import RequestError
from secateur.recipes.names import AXES
from secateur.recipes.shipped import shipped, sweeps


def test_ls_lists_every_recipe_and_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    ls()
    lines = capsys.readouterr().out.splitlines()
    first = {line.split()[0] for line in lines if line.startswith("  ")}
    assert {"recipes", "sweeps", *AXES} <= set(lines)
    assert {*shipped(), *sweeps()} <= first
    assert all(set(axis.built) <= first for axis in AXES.values())


def test_ls_of_sweeps_says_what_each_does(capsys: pytest.CaptureFixture[str]) -> None:
    ls("sweeps")
    assert "  demo-grid  Two criteria, " in capsys.readouterr().out


def test_ls_of_one_axis_lists_only_that(capsys: pytest.CaptureFixture[str]) -> None:
    ls("method")
    out = capsys.readouterr().out
    assert out.startswith("method\n  scheduled ")
    assert "  compressed_sensing  the model runs on sparse stand-ins" in out
    assert "cubic" not in out


@pytest.mark.parametrize(
    ("axis", "fragment"),
    [
        ("criteria", "did you mean criterion?"),
        ("recipe", "did you mean recipes?"),
        ("zzz", "must be recipes, sweeps, method,"),
    ],
)
def test_an_unknown_axis_is_refused(axis: str, fragment: str) -> None:
    with pytest.raises(RequestError) as caught:
        ls(axis)
    assert fragment in str(caught.value)


def test_help_ends_in_examples_one_per_line() -> None:
    app = typer.Typer()
    app.command(epilog=EXAMPLES)(ls)
    shown = [line.strip() for line in CliRunner().invoke(app, ["--help"]).output.splitlines()]
    assert [line for line in shown if line][-4:] == [
        "Examples:",
        "secateur ls",
        "secateur ls recipes",
        "secateur ls criterion",
    ]
