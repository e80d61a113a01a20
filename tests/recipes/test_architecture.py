from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from secateur.recipes.architecture import FAMILIES, AnyArchitecture, Architecture, TextArchitecture, known_family

ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyArchitecture)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_family_says_what_kind_of_model_it_is(family: str) -> None:
    kind = Architecture if family == "parakeet" else TextArchitecture
    assert type(ADAPTER.validate_python({"family": family})) is kind


def test_without_a_family_it_is_a_recognizer() -> None:
    assert ADAPTER.validate_python({"layers": 2}) == Architecture(layers=2)


def test_an_architecture_made_already_stays_what_it_is() -> None:
    made = TextArchitecture(layers=3)
    assert ADAPTER.validate_python(made) is made
    assert known_family(made) is made


@pytest.mark.parametrize(
    ("fields", "fragment"),
    [
        ({"family": "gpt"}, "did you mean gpt2?"),
        ({"family": "zzzzzz"}, "must have parakeet, gpt2, opt or llama"),
        ({"conv_kernel_size": 8}, "must be odd, so that the kernel has a middle, but is 8; did you mean 9?"),
        ({"family": "gpt2", "vocabulary": 258}, "greater than or equal to 259"),
        ({"family": "gpt2", "mel_bins": 80}, "Extra inputs are not permitted"),
        ({"transducer": {"durations": [101]}}, "less than or equal to 100"),
    ],
)
def test_what_cannot_be_made_is_refused(fields: dict[str, Any], fragment: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(fields)
    assert fragment in str(caught.value)
