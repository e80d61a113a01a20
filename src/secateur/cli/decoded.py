"""The tables of ``secateur eval`` with beam search and language models."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

COLUMNS = ("decoding", "set", "WER", "95 % interval", "CER", "LM weight", "word bonus", "per text", "to no LM", "p")


def decoded_tables(report: dict[str, Any]) -> Iterator[Table]:
    """Give a table per model, with a row per way of decoding and set."""
    for side in (report, *([report["against"]] if "against" in report else [])):
        title = str(side["model"])
        table = Table(*COLUMNS, box=None, header_style="bold", title=title, caption=_caption(report))
        table.title_justify = table.caption_justify = "left"
        for way, numbers in _ways(side):
            for name, rates in {"all": numbers, **numbers.get("sets", {})}.items():
                table.add_row(way, name, *_rates(rates), *(_language(numbers) if rates is numbers else ()))
        yield table


def _ways(side: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "greedy", side["greedy"]
    yield "beam", {key: side[key] for key in ("wer", "wer_ci95", "cer", "sets") if key in side}
    for language in side.get("lms", ()):
        yield f"{language['use']} by {language['lm']}", language
    yield f"oracle of {side['nbest']}", side["oracle"]


def _rates(rates: dict[str, Any]) -> tuple[str, str, str]:
    low, high = rates["wer_ci95"]
    return f"{rates['wer']:.2%}", f"{low:.2%} to {high:.2%}", f"{rates['cer']:.2%}"


def _language(numbers: dict[str, Any]) -> tuple[str, ...]:
    if "lm" not in numbers:
        return ()
    found, seconds = numbers["against_no_lm"], numbers.get("seconds_per_hypothesis")
    return (
        f"{numbers['lm_weight']:.2f}",
        f"{numbers['word_bonus']:+.2f}",
        "" if seconds is None else f"{1000 * seconds:.2f} ms",
        f"{100 * found['wer_difference']:+.2f}",
        f"{found['p_value']:.4f}",
    )


def _caption(report: dict[str, Any]) -> str | None:
    if "lms" not in report:
        return None
    tuned = report["lms"][0].get("tuned_on")
    return "LM weight and word bonus " + (f"tuned on {', '.join(tuned)}" if tuned else "as given")
