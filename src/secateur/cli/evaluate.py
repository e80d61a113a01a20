"""``secateur eval``: word error rates, perplexities."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from secateur.cli.common import Against, JsonFile, Model
from secateur.cli.console import console
from secateur.cli.decoded import decoded_tables
from secateur.jobs.decoding import Decoding
from secateur.recipes.names import NBEST

EXAMPLES = """Examples:

secateur eval runs/half/model --data test.jsonl

secateur eval runs/half/model --data an4.jsonl --data digits.jsonl --against runs/dense/model --json wer.json

secateur eval runs/half/model --data test.jsonl --lm runs/lm/model --lm runs/lm-half/model --tune-on valid.jsonl

secateur eval runs/half/model --data test.jsonl --decoder beam --lm words.arpa --lm-weight 0.6 --word-bonus 1

secateur eval runs/lm/model --data valid.txt.gz

secateur eval runs/csp/model --data test.jsonl --runtime sparse --against runs/csp/model"""


def evaluate(
    model: Model,
    data: Annotated[list[str], typer.Option(metavar="FILE", help="A manifest, or a text; may be given several times.")],
    against: Against = None,
    decoder: Annotated[Literal["greedy", "beam"], typer.Option(help="How frames become text.")] = "greedy",
    lm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LM",
            help="A language model to rescore with, or to search with if the decoder is beam: a folder, a Hub id, an "
            "n-gram (.arpa) or a text to make one of (.txt); may be given several times.",
        ),
    ] = None,
    tune_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="A manifest to tune the weight and the bonus on; may be given several times."
        ),
    ] = None,
    lm_weight: Annotated[float | None, typer.Option(help="How much ln p(text) counts, instead of tuning it.")] = None,
    word_bonus: Annotated[float | None, typer.Option(help="Nats for each word, instead of tuning it.")] = None,
    nbest: Annotated[int | None, typer.Option(help=f"Texts per utterance; {NBEST} unless given.")] = None,
    runtime: Annotated[
        Literal["torch", "sparse"], typer.Option(help="What runs MODEL; the other one always runs in PyTorch.")
    ] = "torch",
    json_file: JsonFile = None,
) -> None:
    """Measure a recognizer's word error rate or a language model's perplexity, alone or against another model."""
    decoding = Decoding(
        decoder=decoder,
        lms=tuple(lm or ()),
        tune_on=tuple(tune_on or ()),
        lm_weight=lm_weight,
        word_bonus=word_bonus,
        nbest=nbest,
    )
    from secateur.jobs.evaluate import evaluate as run

    report = run(model, data, against=against, decoding=decoding, runtime=runtime)
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=2) + "\n")
    console().print(*_shown(report))
    if "comparison" in report:
        print(_sentence(report["comparison"]))


def _shown(report: dict[str, Any]) -> Iterable[Table]:
    if "decoder" in report:
        return decoded_tables(report)
    return [_perplexities(report) if "perplexity" in report else _table(report)]


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
