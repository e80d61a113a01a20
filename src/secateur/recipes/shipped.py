"""The recipes that come with secateur: the YAML files beside this one.

Each opens with two comments: the command that runs it, and what it does.
"""

from pathlib import Path

from secateur.errors import RequestError
from secateur.recipes.sentences import nearest, shown


def shipped() -> dict[str, Path]:
    """Return name -> file of every shipped recipe, by name."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml"))}


def find(name: str) -> Path:
    """Return the file of the shipped recipe `name`.

    Raises:
        RequestError: There is none.
    """
    recipes = shipped()
    if name not in recipes:
        best = nearest(name, recipes)
        advice = f"did you mean {best}?" if best else f"those are {', '.join(recipes)}"
        raise RequestError(f"`NAME` must be a shipped recipe, but is {shown(name)}; {advice}")
    return recipes[name]


def command(name: str) -> str:
    """Return the command that runs the shipped recipe `name`: its first line.

    Raises:
        RequestError: There is no such recipe.
    """
    return _comment(name, 0)


def describe(name: str) -> str:
    """Return in one line what the shipped recipe `name` does: its second line.

    Raises:
        RequestError: There is no such recipe.
    """
    return _comment(name, 1)


def _comment(name: str, line: int) -> str:
    return find(name).read_text(encoding="utf-8").splitlines()[line].removeprefix("#").strip()
