import pytest

import tiny
from secateur.allocation import DENOMINATORS, Budget, kept_size, macs_saved, parameters_saved
from secateur.errors import TargetError
from secateur.families import find_groups


@pytest.mark.parametrize(
    ("unit", "wanted", "kept"),
    [
        ("params", 0.25, 250.0),
        ("params", 400, 400.0),
        ("bytes", 0.5, 500.0),
        ("macs", 999, 999.0),
        ("sparsity", 0.0, 1000.0),
        ("sparsity", 0.8, 200.0),
        ("sparsity", 0.9994, 1.0),
    ],
)
def test_a_share_or_a_count_becomes_the_size_to_keep(unit, wanted: float, kept: float) -> None:
    assert kept_size(unit, wanted, 1000.0, field=f"target.{unit}") == kept


@pytest.mark.parametrize(
    ("unit", "wanted", "fragment"),
    [
        ("params", 1000, "`target.params` must be below what the model has, 1,000, but is 1,000"),
        ("macs", 4000, "`target.macs` must be below what the model has, 1,000, but is 4,000; nothing to do"),
    ],
)
def test_a_model_that_is_small_enough_already_is_an_error(unit, wanted: float, fragment: str) -> None:
    with pytest.raises(TargetError) as caught:
        kept_size(unit, wanted, 1000.0, field=f"target.{unit}")
    assert fragment in str(caught.value)


def test_all_weights_may_not_be_zero() -> None:
    with pytest.raises(TargetError, match=r"`target.sparsity` must leave a weight, but 0.9996 of 1,000 is all of them"):
        kept_size("sparsity", 0.9996, 1000.0, field="target.sparsity")


def test_what_must_go_is_the_rest() -> None:
    assert Budget(unit="params", whole=10.0, kept=4.0, saved={}).removed == 6.0


def test_every_unit_says_what_a_share_is_a_share_of() -> None:
    assert list(DENOMINATORS) == ["params", "bytes", "macs", "sparsity"]


def test_a_units_parameters_are_those_that_leave_with_it() -> None:
    model = tiny.ctc(layers=1)
    groups = find_groups(model, ["ffn_unit"])
    sizes = {name: tensor.shape for name, tensor in model.named_parameters()}
    assert list(parameters_saved(groups, sizes).values()) == [tiny.WIDTH + 1 + tiny.WIDTH] * 2


def test_a_units_multiplications_are_its_modules_over_its_units() -> None:
    (group,) = find_groups(tiny.ctc(layers=1), ["head"])
    assert macs_saved([group], {group.module: 600, "other": 7}) == {group.name: 600 / tiny.HEADS}
    assert macs_saved([group], {}) == {group.name: 0.0}


def test_modules_that_shrink_along_are_counted_with_it() -> None:
    group = find_groups(tiny.lasr(layers=1), ["conv_channel"], include=["*dense_0*"])[0]
    assert group.also == ("encoder.subsampler.conv_0",)
    assert macs_saved([group], {group.module: 60, group.also[0]: 600}) == {group.name: 660 / tiny.WIDTH}
