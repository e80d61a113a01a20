"""What do sparse kernels cost in accuracy? Real models, pruned, packed, and judged on them."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

from benchmarks.cells import RESULTS, Task, folder_of, result_of, run_cell, write, write_result
from benchmarks.end_to_end import prune_blocks
from secateur.data import read
from secateur.data.audio import load
from secateur.jobs.export import export
from secateur.recipes import Recipe, recipe_from
from secateur.recipes.paths import expand
from secateur.runtime import SparseLinear, accelerate
from secateur.tasks import task_of

UTTERANCES, RATE = 20, 16000
"""Heard by models of random weights, and samples per second."""


def missing(name: str, experiment: Mapping[str, Any]) -> bool:
    """Whether a row has no result yet."""
    return any(not result_of(name, row, 0).is_file() for row in (*experiment["rows"], *experiment["random"]))


def stages(name: str, experiment: Mapping[str, Any]) -> Iterator[list[Task]]:
    """Give what is missing."""
    made = {row: partial(_judge, name, row, recipe_from(fields)) for row, fields in experiment["rows"].items()}
    drawn = {row: partial(_compare, name, row, shape, expand(experiment["heard"]))
             for row, shape in experiment["random"].items()}  # fmt: skip
    yield [
        Task(f"{name}: {row}", run) for row, run in {**made, **drawn}.items() if not result_of(name, row, 0).is_file()
    ]


def summarize(name: str, experiment: Mapping[str, Any]) -> None:
    """Write the rows that are there, side by side."""
    paths = {row: result_of(name, row, 0) for row in (*experiment["rows"], *experiment["random"])}
    rows = {row: json.loads(path.read_text())["forms"] for row, path in paths.items() if path.is_file()}
    write(RESULTS / f"{name}.json", {"experiment": name, "rows": rows})


def _judge(name: str, row: str, recipe: Recipe) -> None:
    """Prune a model, pack it, and judge it in PyTorch and on kernels of its numbers and of integers."""
    cell = run_cell(name, row, recipe)
    out = folder_of(name, row, recipe.seed)
    files = {values: export(str(out / "model"), out / f"packed-{values}", values=values, overwrite=True)
             for values in ("fp32", "int8")}  # fmt: skip
    sets = recipe.data.sets("test")
    task = task_of(str(out / "model"))
    processor = task.load_processor(str(out / "model"))

    def judged(folder: Path, **kernels: Any) -> Any:
        model = task.load(str(folder))
        counted: dict[str, Any] = {}
        if kernels:
            model = accelerate(model.float().eval(), **kernels)
            counted["sparse_layers"] = sum(isinstance(layer, SparseLinear) for layer in model.modules())
        return task.judge(model, processor, task.read(sets, model, processor)), counted

    base, _ = judged(out / "model")
    forms: dict[str, Any] = {
        "dense, PyTorch": {**_rates(cell["dense"]), "bytes": cell["dense"]["bytes"]},
        "pruned, PyTorch": _rates(base.measures()),
    }
    for values in ("fp32", "int8"):
        for choose in ("sparse", "measured"):
            found, counted = judged(out / f"packed-{values}", values=values, choose=choose)
            forms[f"{values} kernels, {choose}"] = {
                **_rates(found.measures()), **found.compared(base), **counted, "bytes": files[values]["bytes"]
            }  # fmt: skip
    write(result_of(name, row, 0), {**cell, "forms": forms})


def _rates(measures: Mapping[str, Any]) -> dict[str, Any]:
    return {key: measures[key] for key in ("wer", "wer_ci95", "perplexity", "perplexity_ci95") if key in measures}


@torch.no_grad()
def _compare(name: str, row: str, shape: Mapping[str, Any], manifest: str) -> None:
    """Let a wav2vec 2.0 of random weights hear speech dense and on kernels: how often do they choose the same token?"""
    torch.manual_seed(0)
    model = Wav2Vec2ForCTC(Wav2Vec2Config(**shape, vocab_size=32)).eval()
    zeros = prune_blocks(model, (16, 4), 0.8)
    speech = [torch.from_numpy(load(one, RATE))[None] for one in read(manifest)[:UTTERANCES]]
    before = [model(one).logits[0] for one in speech]
    accelerate(model, choose="sparse")
    after = [model(one).logits[0] for one in speech]
    errors = [float((one - other).norm() / other.norm()) for one, other in zip(after, before, strict=True)]
    same = torch.cat([one.argmax(-1) == other.argmax(-1) for one, other in zip(after, before, strict=True)])
    found = {
        "frames": len(same),
        "same_token": float(same.float().mean()),
        "relative_error": max(errors),
        "zeros": zeros,
        "sparse_layers": sum(isinstance(one, SparseLinear) for one in model.modules()),
    }
    write_result(
        f"{name}/{row}-0", {"shape": dict(shape), "weights": "random"}, {"forms": {"int8 kernels, sparse": found}}
    )
