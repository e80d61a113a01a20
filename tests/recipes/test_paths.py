from pathlib import Path

import pytest

from secateur.recipes.paths import expand, manifests, named_manifests

WRONG = [
    ("${HOME}/x", "may refer to ${SECATEUR_DATA} or ${SECATEUR_RECIPES} only, but is '${HOME}/x'; write ${HOME} out"),
    ("", "must be a path, but is ''"),
    (3, "must be the path of a manifest or a list of such paths, but is 3"),
    ([], "but is []"),
    (["a", 3], "but is ['a', 3]"),
    (["a", ""], "must be a path, but is ''"),
]

WRONG_SETS = [
    *WRONG,
    ({}, "must name at least one set"),
    ({3: "a"}, "one is called 3; quote the name"),
    ({"an4": None}, "has the set 'an4', which must be the path of a manifest, but is null"),
    ({"an4": {"x": "y"}}, "has the set 'an4', which must be the path of a manifest or a list"),
    ({"dataset": "librispeech", "split": "test"}, "Hugging Face dataset, which is not built yet"),
]


def test_the_variable_is_replaced_by_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECATEUR_DATA", "/speech")
    assert expand("${SECATEUR_DATA}/an4/train.jsonl") == "/speech/an4/train.jsonl"


@pytest.mark.parametrize("unset", [None, ""])
def test_the_variable_has_a_default_where_it_is_not_set(unset: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECATEUR_DATA", raising=False)
    if unset is not None:
        monkeypatch.setenv("SECATEUR_DATA", unset)
    assert expand("${SECATEUR_DATA}/an4") == "../shared/data/an4"


def test_what_comes_along_is_found_wherever_secateur_is_installed() -> None:
    assert Path(expand("${SECATEUR_RECIPES}/demo-dense/config.json")).is_file()


def test_a_backslash_in_the_value_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECATEUR_DATA", r"C:\data\1")
    assert expand("${SECATEUR_DATA}/x") == r"C:\data\1/x"


@pytest.mark.parametrize(
    ("value", "paths"),
    [(None, None), ("a", "a"), (["a", "b"], ("a", "b")), (("a",), ("a",)), ("a b.jsonl", "a b.jsonl")],
)
def test_a_manifest_is_a_path_or_a_list(value: object, paths: object) -> None:
    assert manifests(value) == paths
    assert named_manifests(value) == paths


def test_named_sets_are_paths_or_lists() -> None:
    assert named_manifests({"a": "x", "b": ["y", "z"]}) == {"a": "x", "b": ("y", "z")}


@pytest.mark.parametrize(("value", "fragment"), WRONG)
def test_a_wrong_manifest_is_refused(value: object, fragment: str) -> None:
    with pytest.raises(ValueError, match=r"must|may") as caught:
        manifests(value)
    assert fragment in str(caught.value)


@pytest.mark.parametrize(("value", "fragment"), WRONG_SETS)
def test_wrong_sets_are_refused(value: object, fragment: str) -> None:
    with pytest.raises(ValueError, match=r"must|may|names") as caught:
        named_manifests(value)
    assert fragment in str(caught.value)
