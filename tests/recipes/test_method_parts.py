import pytest
from pydantic import ValidationError

from secateur.recipes.method_parts import Gates, Quantize, Sensing


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        (Sensing, {"level": 1.5}),
        (Sensing, {"level": -0.1}),
        (Sensing, {"operator": "moments"}),
        (Gates, {"openness": 1.0}),
        (Quantize, {"bits": 9}),
    ],
)
def test_what_is_out_of_range_is_refused(part: type, fields: dict) -> None:
    with pytest.raises(ValidationError):
        part(**fields)


def test_without_a_word_the_metric_of_the_loss_is_as_it_is() -> None:
    assert (Sensing().operator, Sensing().level) == ("loss", 0.5)
