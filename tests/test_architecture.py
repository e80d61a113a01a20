"""Folders import one way, names are exported as listed, every source file of the core has its tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import secateur

SOURCE = Path(secateur.__file__).parent
TESTS = Path(__file__).parent

ORDER = (
    "errors",
    "group",
    "optimizer_state",
    "processor",
    "smallest",
    "whole_file",
    "wide",
    "counted",
    "families",
    "criteria",
    "granularity",
    "allocation",
    "schedules",
    "masks",
    "methods",
    "distill",
    "surgery",
    "autoload",
    "checkpoint",
    "data",
    "training",
    "decoding",
    "evaluation",
    "runtime",
    "onnx_graph",
    "report",
    "recipes",
    "tasks",
    "jobs",
    "api",
    "cli",
    "__main__",
)
"""From top to bottom: a folder imports only from those above it."""

LATER = {("autoload", "checkpoint")}
"""Imports inside of a function that look down: the hook loads the checkpoint code when a pruned folder is opened."""

AXES = ("families", "criteria", "granularity", "schedules")
"""What a recipe chooses from; none of them knows another. Allocations read what granularities say of their units."""

CORE = {
    *("families", "criteria", "granularity", "allocation", "schedules", "masks"),
    *("methods", "distill", "surgery", "checkpoint", "training", "runtime"),
}
"""Folders whose every file has tests of its own."""

FILES = sorted(SOURCE.rglob("*.py"))
PACKAGES = [path for path in FILES if path.name == "__init__.py" and path.parent != SOURCE]

FORBIDDEN = re.compile(r"\bTODO\b|\bFIXME\b|\bNotImplementedError\b|\bpickle\b|\btorch\.load\(")


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def folder_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Name the folders of secateur that a file imports from, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where things come from"
            modules = [node.module or ""]
            if node.module == "secateur":
                modules = [f"secateur.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            parts = module.split(".")
            if parts[0] == "secateur" and len(parts) > 1 and parts[1] != "__version__":
                yield parts[1]


@pytest.mark.parametrize("path", [path for path in FILES if path != SOURCE / "__init__.py"], ids=name_of)
def test_a_file_imports_only_from_folders_above_its_own(path: Path) -> None:
    own = folder_of(path)
    below = {
        folder
        for folder in imported(path)
        if folder != own and (own, folder) not in LATER and ORDER.index(folder) >= ORDER.index(own)
    }
    assert not below


def test_the_axes_do_not_know_each_other() -> None:
    known = {(folder_of(path), folder) for path in FILES if folder_of(path) in AXES for folder in imported(path)}
    assert {(one, other) for one, other in known if one != other and other in AXES} == set()


def test_only_methods_bring_criteria_and_schedules_together() -> None:
    knowing = {folder_of(path) for path in FILES if {"criteria", "schedules"} <= set(imported(path))}
    assert knowing <= {"methods", "jobs"}


def test_only_surgery_reshapes_parameters() -> None:
    cutting = {folder_of(path) for path in FILES if "nn.Parameter(" in path.read_text()}
    assert cutting <= {"surgery", "evaluation"}  # `evaluation` builds a shadow on the meta device to count


@pytest.mark.parametrize("path", PACKAGES, ids=name_of)
def test_all_lists_the_public_names(path: Path) -> None:
    tree = ast.parse(path.read_text())
    listed: list[str] = []
    own: set[str] = set()
    defined: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("secateur."):
            mine = f"{node.module}.".startswith(f"secateur.{folder_of(path)}.")
            own |= {alias.asname or alias.name for alias in node.names if mine}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id == "__all__":
                listed = ast.literal_eval(node.value)
            else:
                defined.add(node.targets[0].id)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    used |= {name for node in ast.walk(tree) if isinstance(node, ast.Attribute) for name in [node.attr]}
    exported = {name for name in own - used if not name.startswith("_")}
    public = {name for name in defined if not name.startswith("_")}
    assert len(listed) == len(set(listed))
    assert set(listed) <= own | defined
    assert exported | (public if listed else set()) <= set(listed)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_is_left_undone_and_nothing_is_unpickled(path: Path) -> None:
    text = path.read_text().replace("allow_pickle=False", "")
    assert FORBIDDEN.findall(text) == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if folder_of(path) in CORE and path.name != "__init__.py"], ids=name_of
)
def test_every_file_of_the_core_has_its_tests(path: Path) -> None:
    assert (TESTS / path.relative_to(SOURCE).parent / f"test_{path.name}").is_file()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_file_says_what_it_is(path: Path) -> None:
    assert (ast.get_docstring(ast.parse(path.read_text())) or "").strip()
