from pathlib import Path

import pytest

from secateur.errors import RecipeError
from secateur.recipes.load import dump, load, read, verb_of
from secateur.recipes.rules import Verb, check
from secateur.recipes.schema import Recipe
from secateur.recipes.shipped import shipped
from secateur.recipes.target import Target
from secateur.recipes.yaml_text import MAX_BYTES

MINIMAL = "model: m\ndata: {train: a.jsonl}\ntarget: {params: 0.5}\n"

UNREADABLE = [
    (b"", "must be a mapping of recipe fields, but is null"),
    (b"[1]", "must be a mapping of recipe fields, but is [1]"),
    (b"\xff\xfe\xfa", "must be UTF-8 text"),
    (b"a: [", "must be YAML, but line 1"),
    (b"#" * (MAX_BYTES + 1), "bytes, but has more"),
]


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "recipe.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_minimal_recipe_loads(tmp_path: Path) -> None:
    recipe = load(written(tmp_path, MINIMAL), verb="prune")
    assert recipe.model_dump(exclude_unset=True) == {
        "model": "m",
        "data": {"train": "a.jsonl"},
        "target": {"params": 0.5},
    }


def test_overrides_are_in_place_before_anything_is_judged(tmp_path: Path) -> None:
    recipe = load(written(tmp_path, "seed: wrong"), ["seed=3", "architecture={}", "data.train=a"], verb="train")
    assert recipe.seed == 3


@pytest.mark.parametrize(("content", "fragment"), UNREADABLE)
def test_a_file_that_is_no_recipe_is_refused(content: bytes, fragment: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load(written(tmp_path, content), verb="prune")
    assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("source", "fragment"),
    [
        ("prune-hal", "or the name of a shipped one, but is 'prune-hal'; did you mean prune-half?"),
        ("prune-half.yml", "did you mean prune-half?"),
        ("zzz.yaml", "those are conformer-l0, csp-conformer,"),
        ("demo-grid", "but is 'demo-grid'; that is a sweep: `secateur sweep demo-grid"),
    ],
)
def test_a_recipe_that_does_not_exist_is_refused(source: str, fragment: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(source, verb="prune")
    assert fragment in str(caught.value)


def test_all_problems_of_all_kinds_are_listed_at_once(tmp_path: Path) -> None:
    text = (
        "seed: a\ntraget: 1\nschedule: {start: 0.8, end: 0.3}\ngranularity: [element, head]\ntrain: {learning_rat: 1}"
    )
    with pytest.raises(RecipeError) as caught:
        load(written(tmp_path, text), ["nonsense"], verb="prune")
    starts = [problem.split()[0] for problem in caught.value.problems]
    assert starts == [
        "an",
        "`seed`",
        "`traget`",
        "`model`",
        "`data.train`",
        "`granularity`",
        "`schedule.start`",
        "`target`",
        "`train.learning_rat`",
    ]


def test_an_unreadable_field_is_not_also_called_absent(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load(written(tmp_path, MINIMAL), ["target.params=50"], verb="prune")
    assert caught.value.problems == (
        "`target.params` must be a share in (0, 1) or an absolute count of at least 1000, but is 50; did you mean 0.5?",
    )


@pytest.mark.parametrize("name", shipped())
def test_a_recipe_written_and_read_again_is_the_same(name: str, tmp_path: Path) -> None:
    verb = verb_of(name)
    recipe = load(name, verb=verb)
    assert load(written(tmp_path, dump(recipe)), verb=verb) == recipe


def test_options_and_switches_survive_being_written(tmp_path: Path) -> None:
    overrides = [
        "criterion={name: my.code:Score, power: 2}",
        "augment.speed=null",
        "target.params=2000000",
        "train.learning_rate=5e-7",
        "keep_at_least.head=1",
        "data.test={a: x, b: [y, z]}",
    ]
    recipe = load(written(tmp_path, MINIMAL), overrides, verb="prune")
    again = load(written(tmp_path, dump(recipe)), verb="prune")
    assert again == recipe
    assert isinstance(again.target, Target)
    assert isinstance(again.target.amount("params"), int)


def test_paths_are_written_as_they_were_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECATEUR_DATA", "/speech")
    text = dump(load("prune-half", verb="prune"))
    assert "/speech/an4/train.jsonl" in text
    assert "SECATEUR_DATA" not in text


def test_a_dense_recipe_is_written_without_pruning_fields_that_nobody_set() -> None:
    recipe = Recipe.model_validate({"architecture": {}, "data": {"train": "a"}, "criterion": "random"})
    check(recipe, verb="train")
    assert "granularity" not in dump(recipe)
    assert "criterion: random" in dump(recipe)


@pytest.mark.parametrize(
    ("text", "overrides", "verb"),
    [(MINIMAL, [], "prune"), (MINIMAL, ["target=null"], "train"), ("architecture: {}", ["target.params=0.5"], "prune")],
)
def test_a_target_tells_pruning_from_training(text: str, overrides: list[str], verb: Verb, tmp_path: Path) -> None:
    assert verb_of(written(tmp_path, text), overrides) == verb


def test_a_file_wins_over_a_shipped_recipe_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("prune-half").write_text("seed: 7", encoding="utf-8")
    assert read("prune-half") == {"seed": 7}
