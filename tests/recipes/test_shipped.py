import pytest

from secateur.errors import RequestError
from secateur.recipes.cells import cells
from secateur.recipes.load import load
from secateur.recipes.load_sweep import load_sweep
from secateur.recipes.schema import Recipe
from secateur.recipes.shipped import command, describe, find, shipped, sweeps

NAMES, SWEEPS = list(shipped()), list(sweeps())


def test_the_recipes_that_the_documentation_names_are_there() -> None:
    assert {"prune-half", "one-shot-magnitude", "train-an4-digits", "demo-train", "demo-prune"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_recipe_validates_for_the_verb_in_its_first_line(name: str) -> None:
    program, verb, recipe, *_ = command(name).split()
    assert (program, recipe) == ("secateur", name)
    assert verb in ("train", "prune")
    assert isinstance(load(name, verb="train" if verb == "train" else "prune"), Recipe)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_that_prunes_can_be_planned(name: str) -> None:
    if command(name).split()[1] == "prune":
        load(name, verb="plan")


@pytest.mark.parametrize("name", SWEEPS)
def test_a_shipped_sweep_validates_in_every_cell(name: str) -> None:
    assert command(name).split()[:3] == ["secateur", "sweep", name]
    assert len(cells(load_sweep(name))) > 1


def test_a_name_is_of_a_recipe_or_of_a_sweep() -> None:
    assert not set(NAMES) & set(SWEEPS)


@pytest.mark.parametrize("name", [*NAMES, *SWEEPS])
def test_a_shipped_recipe_says_in_its_second_line_what_it_does(name: str) -> None:
    assert find(name).read_text(encoding="utf-8").splitlines()[1].startswith("# ")
    assert describe(name).endswith(".")


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("prune-hal", "did you mean prune-half?"),
        ("demo-gri", "did you mean demo-grid?"),
        ("zzz", "those are conformer-l0, csp-conformer,"),
        ("", "but is ''"),
    ],
)
def test_a_recipe_that_is_not_shipped_is_refused(name: str, fragment: str) -> None:
    with pytest.raises(RequestError) as caught:
        describe(name)
    assert fragment in str(caught.value)
