"""What is needed to run it again: the recipe, and where, when and by what the run was made."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

import yaml

from secateur.report import formats
from secateur.report.cells import Cell, quote, words
from secateur.report.values import Path, look, mapping, number, text

SHOWN = (
    ("command", "Command"),
    ("secateur", "secateur"),
    ("versions", "Versions"),
    ("device", "Device"),
    ("seed", "Seed"),
    ("normalizer", "Text normalizer"),
    ("perplexity_counted", "Perplexity"),
    ("low_rank", "Layers in two factors"),
)
"""Keys of the report -> their labels; an object becomes a line per entry."""

HEADLINE = ("model", "method", "criterion", "granularity", "allocation")
"""Fields of a recipe that tell runs apart at a glance."""

UNREAD = {"l0": ("criterion", "allocation"), "compressed_sensing": ("criterion",)}
"""Method -> those of them that it does not read; a report is read without the code of recipes."""


@final
@dataclass(frozen=True, kw_only=True)
class Fact:
    """One line of small print."""

    label: str
    cell: Cell


def facts(report: Mapping[str, object]) -> tuple[Fact, ...]:
    """Everything of `SHOWN` that the report has, then the seconds each part of the work took.

    >>> [fact.label for fact in facts({"seed": 0, "device": {"cpu": "x86"}, "seconds": {"train": 2}})]
    ['Device, cpu', 'Seed', 'Time, train']
    """
    named = [fact for key, label in SHOWN for fact in _facts(report, (key,), label=label)]
    timed = [
        Fact(label=f"Time, {part}", cell=quote(report, ("seconds", part), show=formats.seconds))
        for part in mapping(report, ("seconds",))
    ]
    return (*named, *(fact for fact in timed if fact.cell))


def recipe(report: Mapping[str, object]) -> str:
    """The recipe as YAML; empty where the report has none."""
    found = mapping(report, ("recipe",))
    try:
        return yaml.safe_dump(dict(found), sort_keys=False, allow_unicode=True, width=100) if found else ""
    except RecursionError:  # YAML's writer needs more frames per level than JSON's reader
        return ""


def headline(report: Mapping[str, object]) -> str:
    """The recipe in one line.

    >>> headline({"recipe": {"method": "scheduled", "granularity": ["head", "ffn_unit"]}})
    'scheduled, head + ffn_unit'
    >>> headline({"recipe": {"method": "l0", "criterion": "taylor"}})
    'l0'
    """
    unread = UNREAD.get(text(report, ("recipe", "method")) or "", ())
    found = (look(report, ("recipe", key)) for key in HEADLINE if key not in unread)
    return ", ".join(_told(value) for value in found if isinstance(value, str | list))


def _facts(report: Mapping[str, object], path: Path, *, label: str) -> Iterator[Fact]:
    inner = mapping(report, path)
    if inner:
        yield from (Fact(label=f"{label}, {key}", cell=_cell(report, (*path, key))) for key in inner)
    elif look(report, path) is not None:
        yield Fact(label=label, cell=_cell(report, path))


def _cell(report: Mapping[str, object], path: Path) -> Cell:
    if number(report, path) is not None:
        return quote(report, path, show=formats.size if str(path[-1]).endswith("bytes") else str)
    told = text(report, path)
    return words(told if told is not None else _json(look(report, path)))


def _told(value: object) -> str:
    return " + ".join(map(str, value)) if isinstance(value, list) else str(value)


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "..."
