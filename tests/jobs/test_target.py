from typing import Any

import pytest
import torch

from secateur.checkpoint import file_bytes
from secateur.evaluation import macs_per_unit
from secateur.families import family_of, find_groups
from secateur.jobs.budget import budget_for
from secateur.jobs.target import target_report
from secateur.recipes import Target
from secateur.surgery import shrink
from speech import recognizer


def cut(target: Target, granularity: str) -> tuple[dict[str, Any], Any]:
    """Take every second unit away, and compare with the target."""
    model = recognizer()
    groups = find_groups(model, [granularity])
    budget = budget_for(target, model, groups)
    masks = {group.name: torch.arange(group.units) % 2 == 0 for group in groups}
    if granularity == "element":
        with torch.no_grad():
            for group in groups:
                model.get_parameter(group.slices[0].tensor).view(-1).mul_(masks[group.name])
    else:
        shrink(model, groups, masks, set_layers=family_of(model).set_layers)
    return target_report(budget, model, masks, groups), model


def test_parameters_are_counted_in_the_small_model() -> None:
    report, model = cut(Target(params=8500), "ffn_unit")
    count = sum(parameter.numel() for parameter in model.parameters())
    assert report == {
        "unit": "params",
        "kept": 8500 / 9074,
        "of": "parameters of the whole model" if "parameters" in report["of"] else report["of"],
        "reached": count / 9074,
        "wanted_absolute": 8500,
        "reached_absolute": count,
        "dense_absolute": 9074,
    }


def test_bytes_are_those_of_its_file() -> None:
    report, model = cut(Target(bytes=0.9), "ffn_unit")
    assert report["reached_absolute"] == file_bytes(model)
    assert report["kept"] == pytest.approx(0.9)


def test_macs_are_counted_again() -> None:
    report, model = cut(Target(macs=0.9), "ffn_unit")
    assert report["reached_absolute"] == macs_per_unit(model)
    assert 0 < report["reached"] < 1


def test_sparsity_counts_what_masks_keep() -> None:
    report, _ = cut(Target(sparsity=0.5), "element")
    assert report["reached"] == pytest.approx(0.5, abs=0.01)
    assert report["kept"] == pytest.approx(0.5)


def test_sparsity_in_blocks_counts_the_weights_of_those_that_masks_keep() -> None:
    model = recognizer()
    groups = find_groups(model, ["block"])
    budget = budget_for(Target(sparsity=0.5), model, groups)
    masks = {group.name: torch.arange(group.units) > 0 for group in groups}
    report = target_report(budget, model, masks, groups)
    assert report["dense_absolute"] == 64 * sum(group.units for group in groups)
    assert report["reached_absolute"] == 64 * sum(group.units - 1 for group in groups)


def test_single_weights_count_where_they_are_not_zero() -> None:
    report, model = cut(Target(params=0.6), "element")
    assert report["reached_absolute"] == sum(int((parameter != 0).sum()) for parameter in model.parameters())


def test_every_number_is_plain_and_every_share_has_its_denominator() -> None:
    for target, granularity in ((Target(params=0.5), "head"), (Target(sparsity=0.5), "element")):
        report, _ = cut(target, granularity)
        assert all(isinstance(report[key], int | float) for key in report if key not in ("unit", "of"))
        assert report["of"]


def test_every_unit_of_the_target_is_compared() -> None:
    report, model = cut(Target(params=0.9, macs=0.8), "ffn_unit")
    (other,) = report["also"]
    assert (report["unit"], other["unit"]) == ("params", "macs")
    assert other["kept"] == pytest.approx(0.8)
    assert other["reached_absolute"] == macs_per_unit(model)
