from secateur.recipes.axes import axes
from secateur.recipes.sweep import Sweep

SWEEP = Sweep(
    recipe={},
    grid={
        "criterion": ["magnitude", "taylor"],
        "how": {
            "at once": {"schedule": "one_shot", "train.max_steps": 0},
            "slowly": {"schedule": "cubic", "train.max_steps": 9, "reestimate_batches": 4},
        },
    },
)


def test_a_field_is_set_to_each_of_its_values() -> None:
    criterion = axes(SWEEP)[0]
    assert [choice.told for choice in criterion.choices] == ["magnitude", "taylor"]
    assert [choice.fields for choice in criterion.choices] == [{"criterion": "magnitude"}, {"criterion": "taylor"}]
    assert criterion.always == ("criterion",)


def test_a_label_sets_several_fields() -> None:
    how = axes(SWEEP)[1]
    assert [(choice.told, choice.slug) for choice in how.choices] == [("at once", "at_once"), ("slowly", "slowly")]
    assert how.choices[0].fields == {"schedule": "one_shot", "train.max_steps": 0}


def test_what_every_value_sets_is_what_nothing_else_reaches() -> None:
    assert axes(SWEEP)[1].always == ("schedule", "train.max_steps")
