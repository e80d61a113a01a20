"""The main job on each family of language models: from text to a smaller model that loads, with true numbers."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from secateur.errors import DataError, ModelError
from secateur.evaluation import surprise
from secateur.jobs.bench import bench
from secateur.jobs.evaluate import evaluate
from secateur.jobs.plan import plan
from secateur.jobs.prune import prune
from secateur.jobs.teach import teach_from
from secateur.jobs.train import train
from secateur.recipes import Bench, Distill, recipe_from
from secateur.tasks.surprised import COUNTED
from secateur.training import byte_pair_tokenizer, causal_lm
from speech import save_recognizer, stopping
from texts import (
    ARCHITECTURE,
    NOTHING_ON_THE_WAY,
    SENTENCES,
    SHAPE,
    language_model,
    save_language_model,
    text_fields,
    tokenizer,
)

FAMILIES = ("gpt2", "opt", "llama")
L0 = {"method": "l0", "schedule": {"name": "linear", "start": 0.25, "end": 0.75}, "granularity": ["head", "ffn_unit"]}
LOW_RANK = {"method": "low_rank", "granularity": "rank"}
TAUGHT = {"distill": {"layers": "matched", "taps": 2, "logits": 1.0}}
WAYS: dict[str, dict[str, Any]] = {
    "at once": {"criterion": "magnitude", "train": {"max_steps": 0}},
    "calibrated": {"criterion": "fisher", "train": {"max_steps": 0}},
    "by inputs": {"criterion": "wanda"},
    "gradual, taught": {"criterion": "taylor", **TAUGHT},
    "gates, taught": {**L0, **TAUGHT},
    "by chance": {"criterion": "random"},
    "blocks of layers": {"criterion": "taylor", "granularity": ["layer", "ffn_unit"]},
    "macs": {"criterion": "magnitude", "target": {"macs": 0.8}},
    "elements": {"criterion": "magnitude", "granularity": "element"},
    "ranks": {**LOW_RANK, "criterion": "taylor"},
    "ranks by Fisher": {**LOW_RANK, "low_rank": {"factors": "fisher"}, "criterion": "wanda", "train": {"max_steps": 0}},
    "ranks, taught": {**LOW_RANK, "low_rank": {"factors": "svd"}, "criterion": "magnitude", **TAUGHT},
    "ranks, moved": {**LOW_RANK, "criterion": "movement"},
    "runs": {"criterion": "wanda", "granularity": "n_of_m", "target": {"sparsity": 0.5}},
    "blocks": {"criterion": "taylor", "granularity": "block", "block": [4, 4], "target": {"sparsity": 0.5}},
    "gated blocks": {**L0, "granularity": "block", "block": [4, 4], "target": {"sparsity": 0.5}},
    "moved": {"criterion": "movement", "granularity": ["head", "ffn_unit", "module"], **TAUGHT},
    "moved runs": {
        "criterion": {"name": "movement", "kind": "soft"},
        "granularity": "n_of_m",
        "target": {"sparsity": 0.5},
    },
    "in bfloat16": {
        "criterion": "taylor",
        "train": {"max_steps": 4, "learning_rate": 1e-2, "bf16": True, **NOTHING_ON_THE_WAY},
    },
}


ZEROS = ("elements", "runs", "blocks", "gated blocks", "moved runs")
"""Ways that leave zeros where weights were."""


@pytest.fixture(autouse=True)
def without_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secateur.jobs.measure.peak_rss_bytes", lambda folder, **_: 123_456_789)


def run(folder: Path, model: Path, **changed: Any) -> dict[str, Any]:
    fields = text_fields(folder, model=str(model), granularity=["head", "ffn_unit"], target={"params": 0.8})
    return prune(recipe_from({**fields, **changed}), folder / "out")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_language_model_is_trained_from_nothing_but_text(family: str, tmp_path: Path) -> None:
    fields = text_fields(tmp_path, architecture={**ARCHITECTURE, "family": family})
    fields["train"] |= {"max_steps": 60, "eval_strategy": "steps", "eval_steps": 30, "save_strategy": "no"}
    report = train(recipe_from(fields), tmp_path / "out")
    untrained = surprise(AutoModelForCausalLM.from_config(model_of(tmp_path).config), tokenizer(), SENTENCES[:4])
    assert report["dense"]["perplexity"] < 0.2 * untrained.per_word
    assert report["perplexity_counted"] == COUNTED
    log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert [line["valid_perplexity"] for line in log if "valid_perplexity" in line][-1] == pytest.approx(
        report["valid"]["perplexity"]
    )
    assert model_of(tmp_path).config.use_cache


def model_of(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder / "out" / "model")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_pruning_gives_a_model_that_loads_and_is_what_was_measured(
    family: str, way: str, tmp_path: Path
) -> None:
    shared = {"key_value_heads": 2} if family == "llama" else {}  # two heads of queries to each of keys and values
    report = run(tmp_path, save_language_model(tmp_path / "dense", family=family, **shared), **WAYS[way])
    assert report["target"]["reached"] <= 0.8
    assert report["comparison"]["macs" if way == "macs" else "params"] <= (1.0 if way in ZEROS else 0.8)
    loaded, words = model_of(tmp_path), AutoTokenizer.from_pretrained(tmp_path / "out" / "model")
    assert surprise(loaded, words, SENTENCES[:4]).per_word == report["pruned"]["perplexity"]
    made = loaded.generate(torch.tensor([[0]]), max_new_tokens=3, do_sample=False)
    assert made.shape[1] >= 2
    assert report["dense"].keys() == report["pruned"].keys() >= {
        "perplexity", "perplexity_ci95", "perplexity_per_token", "sentences", "words", "tokens", "unknown_tokens",
        "embedding_params", "macs_per_token", "tokens_per_second", "latency",
    }  # fmt: skip
    ratio = report["pruned"]["perplexity"] / report["dense"]["perplexity"]
    assert report["comparison"]["perplexity_ratio"] == pytest.approx(ratio)
    assert not (tmp_path / "out" / "transcripts.jsonl").exists()


def test_plan_promises_what_prune_keeps(tmp_path: Path) -> None:
    dense = save_language_model(tmp_path / "dense")
    fields = text_fields(tmp_path, model=str(dense), granularity=["ffn_unit"], target={"params": 0.8})
    fields |= {"criterion": "magnitude", "train": {"max_steps": 0}}
    planned = plan(recipe_from(fields))
    assert planned["pruned"]["params"] == prune(recipe_from(fields), tmp_path / "out")["pruned"]["params"]
    assert {"macs_per_token", "embedding_params"} < planned["dense"].keys()


def test_a_model_is_measured_against_another_word_by_word(tmp_path: Path) -> None:
    one, two = (save_language_model(tmp_path / f"m{seed}", seed=seed) for seed in (0, 1))
    data = [text_fields(tmp_path)["data"]["test"]]
    report = evaluate(str(one), data, against=str(two))
    ratio = report["perplexity"] / report["against"]["perplexity"]
    assert report["comparison"]["perplexity_ratio"] == pytest.approx(ratio)
    assert evaluate(str(one), data, against=str(one))["comparison"]["perplexity_ratio"] == 1.0


def test_texts_are_timed_at_lengths_that_the_model_reads(tmp_path: Path) -> None:
    model = save_language_model(tmp_path / "m", max_tokens=40)
    report = bench(str(model), against=str(model), settings=Bench(tokens=(8, 64, 128), repeats=2))
    assert [row["tokens"] for row in report["model"]["latencies"]] == [8, 40]
    assert [row["tokens"] for row in report["speedups"]] == [8, 40]
    longest = report["model"]["latencies"][-1]
    assert report["model"]["tokens_per_second"] == pytest.approx(40 / longest["median_s"])


def test_two_models_are_timed_at_lengths_that_both_read(tmp_path: Path) -> None:
    short, long = (save_language_model(tmp_path / f"m{most}", max_tokens=most) for most in (20, 40))
    for one, other in ((short, long), (long, short)):
        report = bench(str(one), against=str(other), settings=Bench(tokens=(8, 32), repeats=2))
        assert [row["tokens"] for row in report["speedups"]] == [8, 20]


def test_a_recognizer_and_a_language_model_are_not_compared(tmp_path: Path) -> None:
    lm, recognizer = str(save_language_model(tmp_path / "lm")), str(save_recognizer(tmp_path / "recognizer"))
    data = [text_fields(tmp_path)["data"]["test"]]
    for compare in (bench, partial(evaluate, data=data)):
        for one, other in ((lm, recognizer), (recognizer, lm)):
            with pytest.raises(ModelError, match=r"`--against` must .* they cannot be compared"):
                compare(one, against=other)


def test_a_model_that_reads_few_tokens_is_counted_at_these(tmp_path: Path) -> None:
    dense = save_language_model(tmp_path / "dense", max_tokens=16)
    report = run(tmp_path, dense, criterion="magnitude", train={"max_steps": 0}, target={"macs": 0.8})
    assert report["target"]["reached"] <= 0.8


def test_what_cannot_be_measured_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    dense = save_language_model(tmp_path / "dense", max_tokens=8)
    with pytest.raises(
        DataError, match=r"text `.*` cannot be measured: .* at most the 8 tokens that the model reads, but one has"
    ):
        run(tmp_path, dense)
    assert not (tmp_path / "out").exists()


def test_a_run_that_stops_goes_on_to_the_best_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dense = save_language_model(tmp_path / "dense")
    steps = {"max_steps": 8, "eval_strategy": "steps", "eval_steps": 2, "save_strategy": "steps", "save_steps": 2}
    changed = {"criterion": "wanda", "train": {**steps, "learning_rate": 1e-2, "logging_steps": 1}}
    fields = {**text_fields(tmp_path, model=str(dense), granularity=["ffn_unit"], target={"params": 0.8}), **changed}
    whole = prune(recipe_from(fields), tmp_path / "whole")
    with stopping(monkeypatch, after=5):
        prune(recipe_from(fields), tmp_path / "stopped")
    again = prune(recipe_from(fields), tmp_path / "stopped", resume=True)
    assert again["pruned"]["perplexity"] == whole["pruned"]["perplexity"]


def test_an_attached_teacher_of_other_tokens_is_refused() -> None:
    other = byte_pair_tokenizer(SENTENCES, vocabulary=270)
    teacher = causal_lm(other, **SHAPE)
    with pytest.raises(ModelError, match="must read the student's tokens, but `t` has 270 where the student has"):
        teach_from(teacher, language_model(), Distill(layers="fixed"), name="t")


def test_a_teacher_of_other_tokens_is_refused(tmp_path: Path) -> None:
    dense = save_language_model(tmp_path / "dense")
    fields = text_fields(tmp_path, architecture={**ARCHITECTURE, "vocabulary": 270})
    train(recipe_from(fields), tmp_path / "other")
    with pytest.raises(ModelError, match=r"`distill\.teacher` must know the same tokens as the student"):
        run(tmp_path, dense, distill={"layers": "fixed", "teacher": str(tmp_path / "other" / "model")})
