"""Several sizes from one run."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from secateur.errors import RecipeError, TargetError
from secateur.evaluation import nonzero_parameters, parameters, surprise
from secateur.jobs.plan import plan
from secateur.jobs.prune import prune
from secateur.jobs.sizes import branches
from secateur.recipes import recipe_from
from speech import stopping
from texts import SENTENCES, save_language_model, text_fields, tokenizer

SIZES = (0.9, 0.8, 0.7)
WAYS: dict[str, dict[str, Any]] = {
    "ranks": {"method": "low_rank", "granularity": "rank"},
    "units": {"granularity": ["head", "ffn_unit"]},
    "elements": {"granularity": "element"},
    "at once": {"granularity": ["head", "ffn_unit"], "schedule": "one_shot", "cool_down": 1.0},
    "at once, ranks": {"method": "low_rank", "granularity": "rank", "schedule": "one_shot"},
    "untrained": {"granularity": ["head", "ffn_unit"], "criterion": "magnitude", "train": {"max_steps": 0}},
}


@pytest.fixture(autouse=True)
def without_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secateur.jobs.measure.peak_rss_bytes", lambda folder, **_: 123_456_789)


def recipe(folder: Path, **changed: Any) -> Any:
    if not (folder / "dense").exists():
        save_language_model(folder / "dense")
    fields = text_fields(folder, model=str(folder / "dense"), targets=list(SIZES), cool_down=0.5)
    fields["train"] = {"max_steps": 10, "learning_rate": 1e-2, "logging_steps": 1, "save_strategy": "no"}
    return recipe_from({**fields, "schedule": {"name": "linear", "end": 0.6, "every": 1}, **changed})


def test_a_schedulers_own_settings_are_not_a_branchs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secateur.jobs.artefact._measured", lambda *_: {})
    monkeypatch.setattr("secateur.jobs.artefact.render", lambda *_: None)
    asked = recipe(tmp_path)
    scheduler = {"lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr": 1e-4}}
    prune(asked.model_copy(update={"train": {**asked.train, **scheduler}}), tmp_path / "out")
    assert loaded(tmp_path / "out", SIZES[-1])


def loaded(folder: Path, size: float) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder / "sizes" / f"params-{size:g}" / "model")


@pytest.mark.parametrize("way", WAYS)
def test_every_size_is_a_run_folder_of_its_own(way: str, tmp_path: Path) -> None:
    found = prune(recipe(tmp_path, **WAYS[way]), tmp_path / "out")["sizes"]
    count = nonzero_parameters if way == "elements" else parameters
    dense = count(AutoModelForCausalLM.from_pretrained(tmp_path / "dense"))
    for size, report in zip(SIZES, found, strict=True):
        folder = tmp_path / "out" / "sizes" / f"params-{size:g}"
        assert {"model", "plan.json", "report.json", "report.html", "recipe.yaml"} <= {p.name for p in folder.iterdir()}
        assert json.loads((folder / "report.json").read_text()) == report
        model = loaded(tmp_path / "out", size)
        assert size * dense - 280 < count(model) <= size * dense
        assert report["target"]["reached_absolute"] == count(model)
        assert surprise(model, tokenizer(), SENTENCES[:4]).per_word == report["pruned"]["perplexity"]
    assert (tmp_path / "out" / "report.html").is_file()
    assert not (tmp_path / "out" / "model").exists()


def test_the_main_run_stops_with_the_last_branch_and_each_branch_is_cooled_down(tmp_path: Path) -> None:
    prune(recipe(tmp_path, **WAYS["units"]), tmp_path / "out")
    main = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in main if "loss" in line] == [1, 2, 3, 4, 5, 6]
    points = [json.loads((b.start / "point.json").read_text()) for b in branches(recipe(tmp_path), tmp_path / "out")]
    assert [point["step"] for point in points] == [2, 4, 6]  # a third, two thirds and all of six steps
    assert all(point["steps"] == 10 for point in points)
    for branch, point in zip(branches(recipe(tmp_path), tmp_path / "out"), points, strict=True):
        log = [json.loads(line) for line in (branch.folder / "log.jsonl").read_text().splitlines()]
        rates = [line["learning_rate"] for line in log if "learning_rate" in line]
        assert len(rates) == 5
        assert rates[0] == 0.0
        assert rates[1:] == pytest.approx([point["learning_rate"] * left / 4 for left in (4, 3, 2, 1)])


def test_a_size_that_leaves_before_the_learning_rate_has_risen_is_trained_too(tmp_path: Path) -> None:
    prune(recipe(tmp_path, targets=[0.97, 0.7]), tmp_path / "out")
    [first, _] = branches(recipe(tmp_path, targets=[0.97, 0.7]), tmp_path / "out")
    assert (first.point["step"], first.point["learning_rate"]) == (1, 0.0)
    log = [json.loads(line) for line in (first.folder / "log.jsonl").read_text().splitlines()]
    assert max(line.get("learning_rate", 0.0) for line in log) == pytest.approx(1e-2)


def test_a_smaller_size_lost_what_the_larger_had_lost_before(tmp_path: Path) -> None:
    prune(recipe(tmp_path, **WAYS["units"]), tmp_path / "out")
    plans = [
        json.loads((branch.folder / "plan.json").read_text()) for branch in branches(recipe(tmp_path), tmp_path / "out")
    ]
    kept = [{site["name"]: set(site["kept"]) for site in plan["sites"]} for plan in plans]
    # The main run goes on from where it was, not from the branch: what a branch lost beyond that may stay after all.
    assert sum(map(len, kept[0].values())) > sum(map(len, kept[1].values())) > sum(map(len, kept[2].values()))


@pytest.mark.parametrize(("way", "after"), [("ranks", 3), ("ranks", 8), ("elements", 14)])
def test_a_run_stopped_anywhere_goes_on_to_the_same_models(
    way: str, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the main run, within a branch, within the second."""
    changed = {**WAYS[way], "train": {**recipe(tmp_path).train, "save_strategy": "steps", "save_steps": 2}}
    straight = prune(recipe(tmp_path, **changed), tmp_path / "straight")["sizes"]
    with stopping(monkeypatch, after_forwards=after):
        prune(recipe(tmp_path, **changed), tmp_path / "out")
    resumed = prune(recipe(tmp_path, **changed), tmp_path / "out", resume=True)["sizes"]
    for size, one, other in zip(SIZES, straight, resumed, strict=True):
        assert one["pruned"]["perplexity"] == other["pruned"]["perplexity"]
        states = [loaded(tmp_path / name, size).state_dict() for name in ("straight", "out")]
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_plan_promises_every_size(tmp_path: Path) -> None:
    wanted = recipe(tmp_path, **WAYS["untrained"])
    planned = plan(wanted)["sizes"]
    made = prune(wanted, tmp_path / "out")["sizes"]
    assert [one["pruned"]["params"] for one in planned] == [one["pruned"]["params"] for one in made]


@pytest.mark.parametrize("way", ["untrained", "at once"])
def test_complete_sizes_are_not_made_again_even_without_their_checkpoints(way: str, tmp_path: Path) -> None:
    first = prune(recipe(tmp_path, **WAYS[way]), tmp_path / "out")
    for checkpoints in list((tmp_path / "out").rglob("checkpoints")):
        shutil.rmtree(checkpoints)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "sizes").rglob("*.safetensors")}
    assert prune(recipe(tmp_path, **WAYS[way]), tmp_path / "out", resume=True) == first
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.parametrize("gone", [0.9, 0.7])
def test_a_size_that_was_deleted_is_made_again_and_no_other(gone: float, tmp_path: Path) -> None:
    train = {**recipe(tmp_path).train, "save_strategy": "steps", "save_steps": 2}
    changed = {**WAYS["units"], "train": train, "bench": None}
    first = prune(recipe(tmp_path, **changed), tmp_path / "out")["sizes"]
    weights = loaded(tmp_path / "out", gone).state_dict()
    lost = tmp_path / "out" / "sizes" / f"params-{gone:g}"
    shutil.rmtree(lost)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "sizes").rglob("*") if path.is_file()}
    again = prune(recipe(tmp_path, **changed), tmp_path / "out", resume=True)["sizes"]
    assert [one["target"] for one in again] == [one["target"] for one in first]
    assert all(
        torch.equal(weights[name], tensor) for name, tensor in loaded(tmp_path / "out", gone).state_dict().items()
    )
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.parametrize(
    ("fields", "fragment"),
    [
        ({"targets": [0.5, 0.8]}, "`targets` must fall, but params-0.8 comes after params-0.5"),
        ({"targets": [0.5, 0.5]}, "`targets` must fall, but params-0.5 comes after params-0.5"),
        ({"targets": [0.5, 0.5000001]}, "`targets` must fall, but params-0.5000001 comes after params-0.5"),
        ({"targets": [{"sparsity": 0.0}, {"sparsity": 0.5}]}, "`targets` must begin with a sparsity above 0"),
        ({"targets": [{"params": 0.8}, {"macs": 0.5}]}, "two or more sizes in the same units"),
        ({"targets": [0.8]}, "for one size, use `target`"),
        (
            {"targets": [0.8, 5000]},
            "must be all shares or all counts, but params-0.8 and params-5000 are",
        ),
        ({"target": {"params": 0.5}}, "`target` must be absent where `targets` is given"),
        ({"criterion": "movement"}, "whose units may come back; use `target`"),
        ({"method": "l0"}, "`targets` must go with scheduled or low_rank, but `method` is l0"),
    ],
)
def test_sizes_that_make_no_family_are_refused(fields: dict[str, Any], fragment: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=fragment):
        prune(recipe(tmp_path, **fields), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([0.5, 0.001], r"`targets\[1\]\.params` must be at least [\d,]+, .* but asks for"),
        ([100_000_000, 50_000], r"`targets\[0\]\.params` must be below what the model has"),
    ],
)
def test_a_size_that_cannot_be_is_named_before_anything_is_trained(tmp_path: Path, targets: Any, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        prune(recipe(tmp_path, **WAYS["units"], targets=targets), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_main_run_does_not_feel_that_sizes_branch_off(tmp_path: Path) -> None:
    """With dropout, that is: what a size that is there already would not draw, the others must not draw either."""
    save_language_model(tmp_path / "dense", dropout=0.3)
    asked = recipe(tmp_path, **WAYS["ranks"])
    prune(asked, tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    for branch in branches(asked, tmp_path / "other")[1:]:
        shutil.rmtree(branch.folder)
    prune(asked, tmp_path / "other", resume=True)
    one, other = (loaded(tmp_path / name, SIZES[-1]).state_dict() for name in ("one", "other"))
    assert all(torch.equal(other[name], tensor) for name, tensor in one.items())
