"""The before/after table as data: one row per quantity, for the page and for the terminal alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from secateur.report import formats
from secateur.report.cells import Cell, Show, interval, join, quote, words
from secateur.report.timing import Timing, timings
from secateur.report.values import Path, look, mapping, number

LEGEND = "Brackets hold 95 % intervals. Changes of error rates are in percentage points."
"""What a reader of the rows must know."""


@final
@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity of the dense and of the pruned model."""

    label: str
    note: str = ""
    """What qualifies the label: the runtime, the threads, the set."""

    dense: Cell = ()
    pruned: Cell = ()
    change: Cell = ()


@final
@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number of MEASURES whose change is told as a ratio."""

    key: str
    label: str
    show: Show
    ratio: str = ""
    """The key of pruned / dense in `comparison`, where the report has one."""


SIZES = (
    Quantity(key="params", label="Parameters", show=formats.count, ratio="params"),
    Quantity(key="nonzero_params", label="Parameters that are not zero", show=formats.count),
    Quantity(key="embedding_params", label="Parameters of embeddings", show=formats.count),
    Quantity(key="bytes", label="Bytes on disk", show=formats.size, ratio="bytes"),
    Quantity(key="compressed_bytes", label="Bytes without zeros", show=formats.size),
    Quantity(key="macs_per_audio_second", label="MACs per second of audio", show=formats.count, ratio="macs"),
    Quantity(key="macs_per_token", label="MACs per token", show=formats.count, ratio="macs"),
)

PER_TOKEN = Quantity(key="perplexity_per_token", label="Perplexity per token", show=formats.plain)

SPEEDS = (
    Quantity(key="rtf", label="Real-time factor", show=formats.factor),
    Quantity(key="tokens_per_second", label="Tokens per second", show=formats.count),
)

QUANTILES = {"median_s": "median", "p90_s": "90th percentile"}

MEMORY = Quantity(key="peak_rss_bytes", label="Peak memory", show=formats.size)


def rows(report: Mapping[str, object]) -> tuple[Row, ...]:
    """Every quantity that the report has for at least one of the two models, sizes first."""
    every = (
        *(_scalar(report, quantity) for quantity in SIZES),
        *_errors(report),
        *_perplexities(report),
        _scalar(report, PER_TOKEN),
        _rescored(report),
        *(row for timing in timings(report) for row in _latency(report, timing)),
        *(_scalar(report, quantity) for quantity in SPEEDS),
        Row(label="Speed-up", note="median", change=speedup(report)),
        _scalar(report, MEMORY),
    )
    return tuple(row for row in every if row.dense or row.pruned or row.change)


def speedup(report: Mapping[str, object]) -> Cell:
    """The median speed-up with its interval."""
    path: Path = ("comparison", "speedup")
    return join(
        [
            quote(report, (*path, "median"), show=formats.times),
            interval(report, (*path, "ci95"), show=formats.times),
        ]
    )


def wer(report: Mapping[str, object], path: Path) -> Cell:
    """A model's WER with its interval; `path` leads to the MEASURES."""
    return join(
        [
            quote(report, (*path, "wer"), show=formats.share),
            interval(report, (*path, "wer_ci95"), show=formats.bound),
        ]
    )


def wer_change(report: Mapping[str, object]) -> Cell:
    """The WER difference in percentage points with its interval and p-value."""
    points = join(
        [
            quote(report, ("comparison", "wer_difference"), show=formats.points),
            interval(report, ("comparison", "wer_difference_ci95"), show=formats.points),
        ]
    )
    return join([points, _p_value(report) if points else ()], between=", ")


def perplexity(report: Mapping[str, object], path: Path) -> Cell:
    """A model's perplexity with its interval; `path` leads to the MEASURES."""
    return join(
        [
            quote(report, (*path, "perplexity"), show=formats.plain),
            interval(report, (*path, "perplexity_ci95"), show=formats.plain),
        ]
    )


def perplexity_change(report: Mapping[str, object]) -> Cell:
    """The relative change of the perplexity with its interval and p-value; worked out here where none was measured."""
    told = join(
        [
            quote(report, ("comparison", "perplexity_ratio"), show=formats.change),
            interval(report, ("comparison", "perplexity_ratio_ci95"), show=formats.change),
        ]
    )
    if told:
        return join([told, _p_value(report)], between=", ")
    return ratio(report, (("dense", "perplexity"), ("pruned", "perplexity")))


def _p_value(report: Mapping[str, object]) -> Cell:
    found = quote(report, ("comparison", "p_value"), show=formats.p_value)
    return (*words(f"p{formats.GAP}"), *found) if found else ()


def ratio(report: Mapping[str, object], paths: tuple[Path, Path], *, key: str = "") -> Cell:
    """Pruned / dense as a signed percentage: the report's own ratio where it has one, else worked out here."""
    if key and (told := quote(report, ("comparison", key), show=formats.change)):
        return told
    before, after = number(report, paths[0]), number(report, paths[1])
    return words(formats.change(after / before)) if before and after is not None else ()


def _scalar(report: Mapping[str, object], quantity: Quantity) -> Row:
    paths: tuple[Path, Path] = (("dense", quantity.key), ("pruned", quantity.key))
    dense, pruned = (quote(report, path, show=quantity.show) for path in paths)
    change = ratio(report, paths, key=quantity.ratio) if dense or pruned else ()
    return Row(label=quantity.label, dense=dense, pruned=pruned, change=change)


def _errors(report: Mapping[str, object]) -> tuple[Row, ...]:
    """WER and CER over everything, then per set."""
    sets = dict.fromkeys([*mapping(report, ("dense", "sets")), *mapping(report, ("pruned", "sets"))])
    whole = Row(
        label="Word error rate",
        note=_counts(report, ()),
        dense=wer(report, ("dense",)),
        pruned=wer(report, ("pruned",)),
        change=wer_change(report),
    )
    return (whole, _cer(report, ()), *(row for name in sets for row in _set(report, name)))


def _perplexities(report: Mapping[str, object]) -> tuple[Row, ...]:
    """Perplexity over everything, then per set."""
    sets = dict.fromkeys([*mapping(report, ("dense", "sets")), *mapping(report, ("pruned", "sets"))])
    whole = Row(
        label="Perplexity",
        note=_counts(report, ()),
        dense=perplexity(report, ("dense",)),
        pruned=perplexity(report, ("pruned",)),
        change=perplexity_change(report),
    )
    return (whole, *(_perplexity_of(report, name) for name in sets))


def _rescored(report: Mapping[str, object]) -> Row:
    """The WER of a recognizer whose N-best lists the two language models rescored."""
    base: Path = ("rescored", "comparison")
    return Row(
        label="Word error rate, rescored",
        note=_lists(report),
        dense=wer(report, ("rescored", "dense")),
        pruned=wer(report, ("rescored", "pruned")),
        change=join(
            [
                quote(report, (*base, "wer_difference"), show=formats.points),
                interval(report, (*base, "wer_difference_ci95"), show=formats.points),
            ]
        ),
    )


def _lists(report: Mapping[str, object]) -> str:
    """What a recognizer makes of the same speech without a language model, and at best."""
    names = {"without": "without", "oracle": "at best"}
    found = {name: number(report, ("rescored", key, "wer")) for key, name in names.items()}
    return ", ".join(f"{name} {formats.share(value)}" for name, value in found.items() if value is not None)


def _perplexity_of(report: Mapping[str, object], name: str) -> Row:
    dense, pruned = ("dense", "sets", name), ("pruned", "sets", name)
    return Row(
        label=f"Perplexity, {name}",
        note=_counts(report, ("sets", name)),
        dense=perplexity(report, dense),
        pruned=perplexity(report, pruned),
        change=ratio(report, ((*dense, "perplexity"), (*pruned, "perplexity"))),
    )


def _set(report: Mapping[str, object], name: str) -> tuple[Row, Row]:
    inner: Path = ("sets", name)
    paths: tuple[Path, Path] = (("dense", *inner), ("pruned", *inner))
    row = Row(
        label=f"Word error rate, {name}",
        note=_counts(report, inner),
        dense=wer(report, paths[0]),
        pruned=wer(report, paths[1]),
        change=_points(report, ((*paths[0], "wer"), (*paths[1], "wer"))),
    )
    return row, _cer(report, inner, suffix=f", {name}")


def _cer(report: Mapping[str, object], inner: Path, *, suffix: str = "") -> Row:
    paths: tuple[Path, Path] = (("dense", *inner, "cer"), ("pruned", *inner, "cer"))
    return Row(
        label=f"Character error rate{suffix}",
        dense=quote(report, paths[0], show=formats.share),
        pruned=quote(report, paths[1], show=formats.share),
        change=_points(report, paths),
    )


def _points(report: Mapping[str, object], paths: tuple[Path, Path]) -> Cell:
    before, after = number(report, paths[0]), number(report, paths[1])
    return () if before is None or after is None else words(formats.points(after - before))


def _counts(report: Mapping[str, object], inner: Path) -> str:
    """How much speech or text a rate stands on."""
    side = "dense" if look(report, ("pruned",)) is None else "pruned"
    found = {key: number(report, (side, *inner, key)) for key in ("utterances", "sentences", "words")}
    return ", ".join(f"{value:,.0f} {key}" for key, value in found.items() if value is not None)


def _latency(report: Mapping[str, object], timing: Timing) -> tuple[Row, ...]:
    return tuple(
        Row(
            label=f"Latency{timing.of}",
            note=", ".join(filter(None, (name, timing.where))),
            dense=quote(report, (*timing.dense, key), show=formats.seconds) if timing.dense else (),
            pruned=quote(report, (*timing.pruned, key), show=formats.seconds) if timing.pruned else (),
            change=ratio(report, ((*timing.dense, key), (*timing.pruned, key))) if timing.paired else (),
        )
        for key, name in QUANTILES.items()
    )
