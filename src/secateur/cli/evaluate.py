"""``secateur eval``: word error rates, perplexities."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from secateur.cli.common import Against, JsonFile, Model
from secateur.cli.console import console
from secateur.errors import RequestError

EXAMPLES = """Examples:

secateur eval runs/half/model --data test.jsonl

secateur eval runs/half/model --data an4.jsonl --data digits.jsonl --against runs/dense/model --json wer.json

secateur eval runs/lm/model --data valid.txt.gz"""


def evaluate(
    model: Model,
    data: Annotated[list[str], typer.Option(metavar="FILE", help="A manifest, or a text; may be given several times.")],
    against: Against = None,
    decoder: Annotated[Literal["greedy", "beam"], typer.Option(help="How frames become text.")] = "greedy",
    lm: Annotated[str | None, typer.Option(metavar="LM", help="A language model to decode with.")] = None,
    json_file: JsonFile = None,
) -> None:
    """Measure a recognizer's word error rate or a language model's perplexity, alone or against another model."""
    if decoder == "beam" or lm is not None:
        raise RequestError(
            "`--decoder` must be greedy and `--lm` absent: beam search with language models is not built yet"
        )
    from secateur.jobs.evaluate import evaluate as run

    report = run(model, data, against=against)
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=2) + "\n")
    console().print(_perplexities(report) if "perplexity" in report else _table(report))
    if "comparison" in report:
        print(_sentence(report["comparison"]))


def _table(report: dict[str, Any]) -> Table:
    table = Table("model", "set", "WER", "95 % interval", "CER", "utterances", "words", box=None, header_style="bold")
    for model, name, rates in _measured(report):
        low, high = rates["wer_ci95"]
        counts = (f"{rates[key]:,}" for key in ("utterances", "words"))
        table.add_row(model, name, f"{rates['wer']:.2%}", f"{low:.2%} to {high:.2%}", f"{rates['cer']:.2%}", *counts)
    return table


def _perplexities(report: dict[str, Any]) -> Table:
    columns = ("model", "set", "perplexity", "95 % interval", "per token", "sentences", "words", "tokens")
    table = Table(*columns, box=None, header_style="bold", caption=report["perplexity_counted"])
    for model, name, numbers in _measured(report):
        low, high = numbers["perplexity_ci95"]
        per_word, per_token = (f"{numbers[key]:.2f}" for key in ("perplexity", "perplexity_per_token"))
        counts = (f"{numbers[key]:,}" for key in ("sentences", "words", "tokens"))
        table.add_row(model, name, per_word, f"{low:.2f} to {high:.2f}", per_token, *counts)
    return table


def _measured(report: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give model, set and numbers of every row: all sets together first, then each where there are several."""
    for side in (report, report.get("against")):
        if side is not None:
            for name, numbers in {"all": side, **side.get("sets", {})}.items():
                yield str(side["model"]), name, numbers


def _sentence(comparison: dict[str, Any]) -> str:
    if "perplexity_ratio" in comparison:
        low, high = comparison["perplexity_ratio_ci95"]
        return (
            f"perplexity times {comparison['perplexity_ratio']:.4f} (95 % interval {low:.4f} to {high:.4f}), "
            f"p = {comparison['p_value']:.4f}"
        )
    low, high = comparison["wer_difference_ci95"]
    return (
        f"difference: {100 * comparison['wer_difference']:+.2f} points (95 % interval {100 * low:+.2f} to "
        f"{100 * high:+.2f}), p = {comparison['p_value']:.4f}"
    )
