"""What the run says in sentences: whether the loss of words is real, and whether the target was hit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, final

from secateur.report import formats
from secateur.report.cells import Cell, Show, quote, words
from secateur.report.rows import perplexity_change, wer_change
from secateur.report.values import Path, number, sequence, text

LEVEL = 0.05
"""The level that a 95 % interval speaks at."""

Kind = Literal["same", "worse", "better"]

SENTENCES: Mapping[Kind, str] = {
    "same": "No significant loss",
    "worse": "Significantly worse",
    "better": "Significantly better",
}

COMPARED: tuple[tuple[str, str, float, Callable[[Mapping[str, object]], Cell]], ...] = (
    ("WER difference in percentage points", "wer_difference", 0.0, wer_change),
    ("Change of the perplexity", "perplexity_ratio", 1.0, perplexity_change),
)
"""What models are compared by, its key in `comparison`, its value where both are equal, and how it is told."""

UNITS: Mapping[str, tuple[str, Show]] = {
    "params": ("parameters", formats.count),
    "bytes": ("bytes", formats.size),
    "macs": ("MACs", formats.count),
    "latency": ("latency", formats.seconds),
    "sparsity": ("sparsity", formats.share),
}
"""Unit of a target -> its name and how an absolute amount of it is printed."""


@final
@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The comparison in words."""

    of: str
    """What was compared: the WER, or the perplexity."""

    kind: Kind
    sentence: str
    numbers: Cell = ()
    """The difference in percentage points or per cent, its interval and its p-value."""


def verdict(report: Mapping[str, object]) -> Verdict | None:
    """Whether the pruned model's WER or perplexity differs at the 0.05 level; ``None`` where nothing was compared.

    >>> verdict({"comparison": {"wer_difference": 0.003, "p_value": 0.31}}).sentence
    'No significant loss'
    >>> verdict({"comparison": {"wer_difference": 0.003, "p_value": 0.0499}}).sentence
    'Significantly worse'
    """
    for of, key, equal, told in COMPARED:
        found, significant = number(report, ("comparison", key)), _significant(report, key, equal)
        if found is not None and significant is not None:
            kind: Kind = "same" if not significant or found == equal else "worse" if found > equal else "better"
            return Verdict(of=of, kind=kind, sentence=SENTENCES[kind], numbers=told(report))
    return None


def target(report: Mapping[str, object]) -> Cell:
    """The target wanted and reached, a sentence per unit; empty where the run had none.

    >>> share = {"unit": "params", "kept": 0.5, "of": "the whole model", "reached": 0.4998}
    >>> "".join(piece.text for piece in target({"target": share})).replace(formats.GAP, "_")
    'Target (parameters of the whole model): 50.00_% wanted, 49.98_% reached.'
    """
    others = sequence(report, ("target", "also"))
    places: list[Path] = [("target",), *(("target", "also", index) for index in range(len(others)))]
    sentences = [sentence for place in places if (sentence := _one_target(report, place))]
    return tuple(piece for n, sentence in enumerate(sentences) for piece in ((*words(" "),) if n else ()) + sentence)


def _one_target(report: Mapping[str, object], place: Path) -> Cell:
    wanted = _amount(report, place, "kept")
    if not wanted:
        return ()
    unit = text(report, (*place, "unit")) or ""
    name = UNITS.get(unit, (unit, formats.plain))[0]
    of = text(report, (*place, "of"))
    reached = _amount(report, place, "reached")
    what = " ".join(filter(None, (name, f"of {of}" if of else "")))
    start = (*words(f"Target ({what}): " if what else "Target: "), *wanted, *words(" wanted"))
    return (*start, *words(", "), *reached, *words(" reached.")) if reached else (*start, *words("."))


def _amount(report: Mapping[str, object], place: Path, key: str) -> Cell:
    """A share of the unit up to 1, an absolute amount above."""
    path: Path = (*place, key)
    kept = number(report, path)
    absolute = UNITS.get(text(report, (*place, "unit")) or "", ("", formats.plain))[1]
    return quote(report, path, show=formats.share if kept is not None and kept <= 1 else absolute)


def _significant(report: Mapping[str, object], key: str, equal: float) -> bool | None:
    """By the p-value; by the interval where a report has only that."""
    p_value = number(report, ("comparison", "p_value"))
    if p_value is not None:
        return p_value < LEVEL
    low, high = (number(report, ("comparison", f"{key}_ci95", index)) for index in (0, 1))
    return None if low is None or high is None else not low <= equal <= high
