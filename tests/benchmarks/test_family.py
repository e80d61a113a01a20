"""Several sizes from one run, counted against one size."""

from typing import Any

import pytest
from benchmarks.family import compared, steps

ALONE: dict[str, Any] = {"train": {"max_steps": 250}, "schedule": {"end": 0.6}, "cool_down": 0.3}
TOGETHER: dict[str, Any] = {**ALONE, "targets": [{"params": size} for size in (0.8, 0.6, 0.4, 0.25)]}


def size(recipe: dict[str, Any], kept: float, perplexity: float) -> dict[str, Any]:
    pruned = {"params": 100, "perplexity": perplexity, "perplexity_ci95": [perplexity - 1, perplexity + 1]}
    return {"recipe": recipe, "target": {"kept": kept}, "pruned": pruned, "dense": {"perplexity": 100.0}}


def test_the_main_run_and_every_branch_count() -> None:
    assert steps(ALONE) == 250
    assert steps(TOGETHER) == 150 + 4 * 75
    assert steps({**TOGETHER, "train": {"max_steps": 7}}) == 5 + 4 * 3  # what is begun is taken


def test_sizes_are_compared_one_by_one() -> None:
    found = compared(
        {
            "family": {"sizes": [size(TOGETHER, 0.8, 103.0), size(TOGETHER, 0.6, 110.0)]},
            "params-0.8": size(ALONE, 0.8, 100.0),
            "params-0.6": size(ALONE, 0.6, 100.0),
        }
    )
    assert found["steps"] == {"family": 450, "each alone": 250}
    assert found["steps_over_one"] == pytest.approx(1.8)
    assert [row["family_over_alone"] for row in found["rows"]] == pytest.approx([1.03, 1.1])
    assert [row["family_over_dense"] for row in found["rows"]] == pytest.approx([1.03, 1.1])
