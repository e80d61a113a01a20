import yaml

from secateur.recipes.unread import UNREAD as IN_RECIPES
from secateur.report.cells import plain
from secateur.report.facts import HEADLINE, UNREAD, facts, headline, recipe


def test_everything_needed_to_run_it_again_is_told(numbers):
    found = {fact.label: plain(fact.cell) for fact in facts(numbers)}
    assert found["Command"].startswith("secateur prune")
    assert found["Seed"] == "0"
    assert found["Device, cpu"] == "AMD EPYC 7763"
    assert found["Versions, torch"] == "2.13.0+cpu"
    assert list(found)[-2:] == ["Time, train", "Time, evaluate"]


def test_the_recipe_reads_back_as_it_was(numbers):
    assert yaml.safe_load(recipe(numbers)) == numbers["recipe"]


def test_a_command_given_as_a_list_is_told_as_one():
    (fact,) = facts({"command": ["secateur", "prune"]})
    assert plain(fact.cell) == '["secateur", "prune"]'


def test_what_is_absent_is_not_told():
    assert (facts({}), recipe({}), headline({})) == ((), "", "")


def test_the_headline_leaves_out_what_the_method_does_not_read():
    assert headline({"recipe": {"method": "compressed_sensing", "criterion": "taylor"}}) == "compressed_sensing"
    wanted = {method: tuple(name for name in names if name in HEADLINE) for method, names in IN_RECIPES.items()}
    assert {method: names for method, names in wanted.items() if names} == UNREAD


def test_a_recipe_nested_beyond_reason_is_left_out():
    deep: dict[str, object] = {}
    for _ in range(800):
        deep = {"x": deep}
    assert recipe({"recipe": deep}) == ""
