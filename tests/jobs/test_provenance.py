from importlib.metadata import version

from secateur.jobs.device import describe_device
from secateur.jobs.provenance import provenance
from secateur.recipes import recipe_from


def test_a_report_begins_with_what_was_run_on_what_by_which_version() -> None:
    recipe = recipe_from({"model": "m", "target": {"params": 0.5}, "seed": 3})
    assert provenance(recipe, "secateur prune x") == {
        "schema": 1,
        "secateur": version("secateur"),
        "command": "secateur prune x",
        "seed": 3,
        "device": describe_device(),
        "recipe": recipe.model_dump(mode="json"),
    }


def test_the_recipe_in_a_report_is_a_recipe() -> None:
    recipe = recipe_from({"model": "m", "target": {"macs": 0.5}, "criterion": "random", "augment": {"speed": None}})
    assert recipe_from(provenance(recipe, "")["recipe"]) == recipe
