"""What the documentation says exists: links, verbs, recipes, parts and pages; its Python compiles."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "secateur"
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ROOT.glob("benchmarks/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TABLES = {
    "an4-half": "README.md",
    "conformer-half": "docs/study-conformer.md",
    "sentences-half": "docs/study-conformer.md",
    "lm-study": "docs/study-language-model.md",
    "lm-family": "docs/study-language-model.md",
    "shares": "docs/study-compressed-sensing.md",
    "rivals": "docs/study-compressed-sensing.md",
    "ladder": "docs/study-compressed-sensing.md",
    "others": "docs/study-compressed-sensing.md",
    "blocks": "docs/study-compressed-sensing.md",
}
"""Table -> the page that `python -m benchmarks.tables` writes it into, between two comments."""
FOLDERS = sorted(path.parent.name for path in SOURCE.glob("*/*.py") if path.name != "conftest.py")
PARTS = {"criteria": "CRITERIA", "granularity": "GRANULARITIES", "allocation": "ALLOCATIONS", "schedules": "SCHEDULES",
         "methods": "METHODS", "families": "FAMILIES"}  # fmt: skip


def blocks(page: Path, language: str) -> list[str]:
    return [code for _, named, code in FENCE.findall(page.read_text(encoding="utf-8")) if named == language]


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def keys(path: Path, table: str) -> list[str]:
    """Read the keys of a literal table without importing it: importing secateur takes seconds."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == table:
            return list(dict.fromkeys(ast.literal_eval(key) for key in node.value.keys))
    raise AssertionError(f"{path} has no table {table}")


VERBS = keys(SOURCE / "cli" / "__init__.py", "VERBS")
RECIPES = [path.stem for path in SOURCE.glob("recipes/*.yaml")]
SWEEPS = [path.stem for path in SOURCE.glob("recipes/sweeps/*.yaml")]
AXES = [*keys(SOURCE / "recipes" / "names.py", "AXES"), "recipes", "sweeps"]
KNOWN = {"sweep": SWEEPS} | {verb: [*RECIPES, *SWEEPS] for verb in ("validate", "cat", "cp")}
"""Verb -> the files that it may name; the others name recipes."""


def commands(page: Path) -> Iterator[list[str]]:
    """Every command line that calls secateur, in words."""
    for block in blocks(page, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["secateur"]:
                yield words


def problem(words: list[str]) -> str | None:
    verb, *rest = words[1:]
    if verb not in VERBS:
        return f"no verb {verb}"
    named = next((word for word in rest if not word.startswith("-")), None)
    known = KNOWN.get(verb, RECIPES)
    if verb in ("train", "prune", "plan", "sweep", "validate", "cat", "cp") and named not in known:
        return None if verb not in ("cat", "cp") and str(named).endswith(".yaml") else f"no recipe {named}"
    if verb == "ls" and named not in (*AXES, None):
        return f"no axis {named}"
    if verb in ("train", "prune", "sweep") and "--out" not in rest:
        return "no --out"
    return None


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = [link.partition("#")[0] for link in LINK.findall(prose(page)) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_names_a_verb_and_a_recipe_that_exist(page: Path) -> None:
    assert [f"{shlex.join(words)}: {found}" for words in commands(page) if (found := problem(words))] == []


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("secateur shear prune-half", "no verb"),
        ("secateur prune prune-haf --out runs/a", "no recipe"),
        ("secateur prune prune-half", "no --out"),
        ("secateur sweep prune-half --out runs/a", "no recipe"),
        ("secateur sweep demo-grid", "no --out"),
        ("secateur cat mine.yaml", "no recipe"),
        ("secateur ls criteria", "no axis"),
    ],
)
def test_a_command_that_cannot_work_is_noticed(line: str, fragment: str) -> None:
    assert fragment in (problem(shlex.split(line)) or "")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_examples_compile(page: Path) -> None:
    for number, code in enumerate(blocks(page, "python"), start=1):
        compile(code, f"{page.name}, example {number}", "exec")


def test_every_page_is_linked_from_the_index() -> None:
    linked = set(LINK.findall((DOCS / "index.md").read_text(encoding="utf-8")))
    assert [page.name for page in sorted(DOCS.glob("*.md")) if page.name not in linked | {"index.md"}] == []


@pytest.mark.parametrize("folder", dict.fromkeys(FOLDERS))
def test_every_folder_has_a_page(folder: str) -> None:
    assert (DOCS / f"{folder}.md").is_file()


@pytest.mark.parametrize(("folder", "table"), PARTS.items())
def test_every_part_has_an_entry_on_its_page(folder: str, table: str) -> None:
    text = (DOCS / f"{folder}.md").read_text(encoding="utf-8")
    assert [name for name in keys(SOURCE / folder / "__init__.py", table) if f"`{name}`" not in text] == []


@pytest.mark.parametrize(("page", "wanted"), [("cli.md", VERBS), ("recipes.md", RECIPES), ("sweep.md", SWEEPS)])
def test_verbs_and_recipes_have_an_entry_on_their_page(page: str, wanted: list[str]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert [name for name in wanted if f"`{name}`" not in text] == []


def test_readme_begins_with_the_two_commands_that_everybody_needs() -> None:
    first = FENCE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert first is not None
    assert [line.split("#")[0].strip() for line in first[3].splitlines()] == ["make demo", "make test"]
    before = first.string[: first.start()].strip().splitlines()
    assert len(before) == 1
    assert before[0].startswith("# secateur")


@pytest.mark.parametrize(("name", "page"), TABLES.items(), ids=TABLES)
def test_a_page_has_one_place_for_its_table(name: str, page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    assert [text.count(marker) for marker in (start, end)] == [1, 1]
    assert text.index(start) < text.index(end)


def test_trainer_example_needs_at_most_five_lines_of_secateur() -> None:
    example = next(code for code in blocks(ROOT / "README.md", "python") if "secateur.attach" in code)
    ours = [line for line in example.splitlines() if "secateur" in line or "pruning" in line]
    assert 0 < len(ours) <= 5
