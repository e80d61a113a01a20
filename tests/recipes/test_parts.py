from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from secateur.recipes.architecture import Architecture
from secateur.recipes.parts import Augment, Bench, Data, Named, Part, Rescore, SpecAugment, spread

WRONG: list[tuple[type[BaseModel], dict[str, Any], str]] = [
    (Architecture, {"layers": 0}, "layers"),
    (Architecture, {"layers": True}, "layers"),
    (Architecture, {"conv_kernel_size": 8}, "must be odd"),
    (Architecture, {"subsampling_factor": 3}, "subsampling_factor"),
    (Architecture, {"dropout": 1.0}, "dropout"),
    (Architecture, {"dropout": "0.1"}, "dropout"),
    (Architecture, {"tokenizer": "bpe"}, "tokenizer"),
    (Augment, {"speed": [0.9, 0.0]}, "speed"),
    (Augment, {"speed": []}, "speed"),
    (SpecAugment, {"time_share": 1.5}, "time_share"),
    (Bench, {"seconds": [4, float("nan")]}, "seconds"),
    (Bench, {"repeats": 2.0}, "repeats"),
    (Named, {"power": 2}, "name"),
    (Rescore, {"recognizer": "r", "data": "a", "tune_on": "b", "nbest": 1001}, "nbest"),
]


@pytest.mark.parametrize(("part", "fields", "fragment"), WRONG)
def test_a_wrong_field_is_refused(part: type[BaseModel], fields: dict[str, Any], fragment: str) -> None:
    with pytest.raises(ValidationError, match=fragment):
        part.model_validate(fields)


@pytest.mark.parametrize("part", [Architecture, Augment, Bench, Data, SpecAugment])
def test_every_field_of_a_part_has_its_own_docstring(part: type[Part]) -> None:
    assert all(field.description for field in part.model_fields.values())


def test_parts_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Bench().threads = 2  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("value", "sets"),
    [
        (None, {}),
        ("a", {"test": ("a",)}),
        (["a", "b"], {"test": ("a", "b")}),
        ({"x": "a", "y": ["b", "c"]}, {"x": ("a",), "y": ("b", "c")}),
    ],
)
def test_every_form_of_a_set_comes_out_as_names_and_paths(value: object, sets: dict[str, tuple[str, ...]]) -> None:
    assert Data.model_validate({"test": value}).sets("test") == sets


def test_training_data_have_no_named_sets() -> None:
    with pytest.raises(ValidationError, match="path of a manifest"):
        Data.model_validate({"train": {"a": "b"}})


def test_what_is_absent_by_default_is_not_written() -> None:
    assert Data(train="a").model_dump() == {"train": "a"}


def test_what_is_switched_off_is_written() -> None:
    off = Augment(speed=None, specaugment=None)
    assert off.model_dump() == {"speed": None, "specaugment": None}
    assert Augment.model_validate(off.model_dump()) == off


def test_options_beside_the_name_are_kept() -> None:
    part = Named.model_validate({"name": "taylor", "power": 2})
    assert part.options == {"power": 2}
    assert part.model_dump() == {"name": "taylor", "power": 2}


def test_a_part_without_options_is_written_as_its_name() -> None:
    assert Named(name="taylor").model_dump() == "taylor"


@pytest.mark.parametrize("value", [3, ["taylor"], None])
def test_what_is_neither_name_nor_mapping_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be a name, or a mapping"):
        spread(value)
