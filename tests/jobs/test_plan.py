from pathlib import Path
from typing import Any

import pytest

from secateur.checkpoint import file_bytes
from secateur.errors import RecipeError, TargetError
from secateur.evaluation import weight_bytes
from secateur.jobs.plan import plan
from secateur.jobs.prune import prune
from secateur.recipes import recipe_from
from secateur.recipes.names import ZEROED
from speech import LAYERS, UNITS, fields, recognizer


def planned(folder: Path, **changed: Any) -> dict[str, Any]:
    return plan(recipe_from(fields(folder, **changed)))


def test_a_plan_has_both_sizes_the_target_and_every_site(tmp_path: Path) -> None:
    found = planned(tmp_path)
    assert set(found) == {"target", "dense", "pruned", "sites", "needs_secateur", "runtimes"}
    assert found["dense"]["params"] == 9074
    assert found["dense"]["bytes"] == file_bytes(recognizer())
    assert found["pruned"]["params"] == found["target"]["reached_absolute"] <= 0.8 * 9074
    assert len(found["sites"]) == LAYERS * 4 + 1  # and the subsampling
    assert all(0 < site["kept"] <= site["units"] for site in found["sites"])
    site = next(site for site in found["sites"] if site["name"] == "encoder.layers.0.feed_forward1:ffn_unit")
    assert (site["granularity"], site["module"], site["units"]) == ("ffn_unit", "encoder.layers.0.feed_forward1", UNITS)


@pytest.mark.parametrize("target", [{"params": 0.8}, {"macs": 0.9}])
def test_a_plan_promises_what_one_shot_pruning_keeps(
    target: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secateur.jobs.artefact._measured", lambda *_: {})
    found = planned(tmp_path, target=target)
    report = prune(recipe_from(fields(tmp_path, target=target)), tmp_path / "out")
    assert report["target"] == found["target"]
    assert weight_bytes(tmp_path / "out" / "model") == found["pruned"]["bytes"]


def test_a_data_driven_plan_looks_at_data(tmp_path: Path) -> None:
    assert planned(tmp_path, criterion="taylor")["target"]["reached"] <= 0.8
    with pytest.raises(RecipeError, match=r"`data\.train` must be given for the criterion taylor"):
        planned(tmp_path, criterion="taylor", data={})


def test_a_plan_for_movement_needs_no_data_and_has_the_sizes_that_training_will_reach(tmp_path: Path) -> None:
    found = planned(tmp_path, criterion="movement", data={})
    assert found["target"] == planned(tmp_path)["target"]


def test_a_data_free_plan_needs_none(tmp_path: Path) -> None:
    assert planned(tmp_path, data={})["sites"]


def test_feed_forward_units_alone_cut_evenly_need_no_secateur_to_load(tmp_path: Path) -> None:
    even = planned(tmp_path, granularity="ffn_unit", allocation="uniform", target={"params": 7000})
    kept = {site["kept"] for site in even["sites"]}
    assert even["needs_secateur"] == (len(kept) > 1)
    assert planned(tmp_path)["needs_secateur"]


@pytest.mark.parametrize("granularity", ZEROED)
def test_zeros_in_place_leave_sizes_as_they_are(granularity: str, tmp_path: Path) -> None:
    found = planned(tmp_path, granularity=granularity, target={"sparsity": 0.5})
    assert found["pruned"] == found["dense"]
    assert found["target"]["reached"] == pytest.approx(0.5, abs=1e-2)
    assert sum(site["kept"] for site in found["sites"]) == pytest.approx(
        0.5 * sum(site["units"] for site in found["sites"]), abs=1
    )


def test_nothing_is_written(tmp_path: Path) -> None:
    recipe = recipe_from(fields(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    plan(recipe)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_target_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="which is what stays when all leaves"):
        planned(tmp_path, target={"params": 0.01})
    with pytest.raises(TargetError, match="within reach, but nothing can leave with these granularities and limits"):
        planned(tmp_path, keep_at_least={"head": 99, "ffn_unit": 99, "conv_channel": 99})
    with pytest.raises(TargetError, match="nothing to do"):
        planned(tmp_path, target={"params": 10_000})
    with pytest.raises(RecipeError, match="`target` must be given to plan"):
        planned(tmp_path, target=None)
