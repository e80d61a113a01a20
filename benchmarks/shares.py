"""Zeros in three models as tables: a line per share of zeros and way there, a column per model."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.markdown import table

Row = Mapping[str, Any]
"""A row of a comparison, or of a study."""

SHARES = 50, 70, 80, 90, 95

WAYS = {
    "gradual": "gradual magnitude",
    "gradual-uniform": "gradual magnitude, the same share of every matrix",
    "csp": "compressed sensing, `loss`, level 0",
    "csp-levelled": "compressed sensing, `loss`, level 0.5",
    "csp-identity": "compressed sensing, `identity`",
}

STEPS = {
    "gradual": "gradual magnitude",
    "soft": "+ soft threshold",
    "reentry": "+ reentry",
    "project": "+ debiased, and drawn on between",
    "csp-identity": "the model runs on its support instead, what that lacks is fed back",
    "csp": "+ data: the metric of the loss",
    "csp-levelled": "+ levelled by half",
}
"""The ladder from gradual magnitude pruning to compressed sensing, a row of the Conformer each."""

OTHERS = {
    "admm": "ADMM",
    "gradual-taylor": "gradual Taylor",
    "l1": "plain l1, then one cut by magnitude",
    "lottery": "lottery tickets: rewound after every cut",
    "movement": "movement",
    "movement-uniform": "movement, the same share of every matrix",
    "one-shot-magnitude": "magnitude, one-shot",
    "one-shot-wanda": "wanda, one-shot",
    "one-shot-taylor": "Taylor, one-shot",
    "csp-gaussian": "compressed sensing, `gaussian`",
    "csp-inputs": "compressed sensing, `inputs`",
    "csp-inputs-uniform": "compressed sensing, `inputs`, the same share of every matrix",
}
"""What else was tried on the Conformer, at 80 % zeros."""

BLOCKS = {
    "gradual-16x4": "gradual magnitude, 16 x 4",
    "gradual-16x4-uniform": "gradual magnitude, 16 x 4, the same share of every matrix",
    "csp-16x4": "compressed sensing, 16 x 4",
    "csp-levelled-16x4": "compressed sensing, level 0.5, 16 x 4",
    "csp-16x4-int8": "compressed sensing, 16 x 4, integers of 8 bits",
    "csp-levelled-16x4-int8": "compressed sensing, level 0.5, 16 x 4, integers of 8 bits",
    "gradual-16x1": "gradual magnitude, 16 x 1",
    "csp-16x1": "compressed sensing, 16 x 1",
}

OF_SMALL = {"csp-identity": "feedback"}
"""What a step is called in the study of the small language model, where that differs."""


class Columns(NamedTuple):
    """The results of one experiment on each model."""

    conformer: Mapping[str, Any]
    transducer: Mapping[str, Any]
    language_model: Mapping[str, Any]

    def rows(self, names: Sequence[str]) -> list[Row | None]:
        """Return the row of each model; none where it is not there."""
        return [one["rows"].get(name) for one, name in zip(self, names, strict=True)]


def names(way: str, share: int) -> tuple[str, str, str]:
    """Return what a row is called in each experiment."""
    heard = way if share == 80 else f"{way}-{share}"
    return heard, heard, f"sparsity{share / 100:g}-{way.replace('-', '_')}"


HEAD = "zeros | way | Conformer-CTC, words wrong | transducer, words wrong | language model, perplexity"


def shares(columns: Columns) -> str:
    """Write what each model makes in the mean of its seeds, and what that is relative to the unpruned one."""
    dense = [one["rows"].get("dense") for one in columns]
    lines = [f"none | trained on as long | {' | '.join(map(_measured, dense))}"]
    for share in SHARES:
        for way, words in WAYS.items():
            rows = columns.rows(names(way, share))
            if any(rows):
                lines.append(f"{share} % | {words} | {' | '.join(map(_beside_dense, rows))}")
    return table(HEAD, lines)


def rivals(columns: Columns) -> str:
    """Write each row over those it is compared with, on the seeds that both have."""
    lines = []
    for share in SHARES:
        for way, words in WAYS.items():
            for rival, over in WAYS.items():
                found = list(map(_over, columns.rows(names(way, share)), names(rival, share)))
                if any(found):
                    lines.append(f"{share} % | {words} | {over} | {' | '.join(one or '-' for one in found)}")
    return table("zeros | way | over | Conformer-CTC | transducer | language model", lines)


def ladder(conformer: Mapping[str, Any], small: Mapping[str, Any]) -> str:
    """Write what each idea is worth, one upon the other."""
    lines = []
    for step, words in STEPS.items():
        heard = conformer["rows"].get(step)
        read = [small["rows"].get(f"sparsity{share:g}-{OF_SMALL.get(step, step)}") for share in (0.8, 0.9)]
        lines.append(f"{words} | {' | '.join(map(_measured, (heard, *read)))}")
    return table("step | Conformer-CTC, 80 % | small language model, 80 % | small language model, 90 %", lines)


def listed(conformer: Mapping[str, Any], rows: Mapping[str, str]) -> str:
    """Write rows of the Conformer, at 80 % zeros, with what they weigh on disk without them."""
    found = {words: conformer["rows"][row] for row, words in rows.items() if row in conformer["rows"]}
    return table(
        "way | bytes without zeros | words wrong",
        (f"{words} | {row['compressed_bytes'] / 1e6:.2f} M | {_beside_dense(row)}" for words, row in found.items()),
    )


def _over(row: Row | None, rival: str) -> str | None:
    """Return a row's measure relative to a rival's, how sure that is, and of how many seeds."""
    found = (row or {}).get("over", {}).get(rival)
    if not found:
        return None
    seeds = len(found["seeds_compared"])
    return f"{_relative(found)}, {seeds} seed{'s' * (seeds > 1)}"


def _beside_dense(row: Row | None) -> str:
    if row is None:
        return "-"
    against = row.get("over_dense", row)  # a study keeps it apart
    return f"{_measured(row)}, {_relative(against)}" if against and "ratio" in against else _measured(row)


def _relative(found: Mapping[str, Any]) -> str:
    p = found.get("p_value")
    sure = "" if p is None else ", p < 0.001" if p < 0.001 else f", p = {p:.2g}"
    return f"{found['ratio'] - 1:+.1%}{sure}"


def _measured(row: Row | None) -> str:
    """Return a measure in the mean of the seeds, with each in brackets where there are several."""
    if row is None:
        return "-"
    if "perplexity" in row:
        mean, each = f"{row['perplexity']:.1f}", [f"{one:.1f}" for one in row["perplexity_by_seed"]]
    else:
        mean, each = f"{row['wer']:.2%}", [f"{100 * one:.2f}" for one in row["wer_by_seed"].values()]
    return mean if len(each) == 1 else f"{mean} ({', '.join(each)})"
