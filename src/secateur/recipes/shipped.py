"""The recipes that come with secateur: the YAML files beside this one, and the sweeps in the folder ``sweeps``.

Each opens with two comments: the command that runs it, and what it does.
"""

from pathlib import Path

from secateur.errors import RequestError
from secateur.recipes.sentences import nearest, shown


def shipped() -> dict[str, Path]:
    """Return name -> file of every shipped recipe, by name."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml"))}


def sweeps() -> dict[str, Path]:
    """Return name -> file of every shipped sweep, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "sweeps").glob("*.yaml"))}


def find(name: str) -> Path:
    """Return the file of the shipped recipe or sweep `name`.

    Raises:
        RequestError: There is none.
    """
    files = shipped() | sweeps()
    if name not in files:
        best = nearest(name, files)
        advice = f"did you mean {best}?" if best else f"those are {', '.join(files)}"
        raise RequestError(f"`NAME` must be a shipped recipe or sweep, but is {shown(name)}; {advice}")
    return files[name]


def command(name: str) -> str:
    """Return the command that runs the shipped recipe or sweep `name`: its first line.

    Raises:
        RequestError: There is none of that name.
    """
    return _comment(name, 0)


def describe(name: str) -> str:
    """Return in one line what the shipped recipe or sweep `name` does: its second line.

    Raises:
        RequestError: There is none of that name.
    """
    return _comment(name, 1)


def _comment(name: str, line: int) -> str:
    return find(name).read_text(encoding="utf-8").splitlines()[line].removeprefix("#").strip()
