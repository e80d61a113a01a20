"""The committed results as Markdown: ``python -m benchmarks.tables`` writes tables.md and the README's table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cells import RESULTS, ROOT
from benchmarks.findings import DENSE
from benchmarks.grid import perplexities, zeroed
from benchmarks.markdown import table
from benchmarks.shares import BLOCKS, OTHERS, Columns, ladder, listed, rivals, shares

README = ROOT / "README.md"
DOCS = ROOT / "docs"

NAMES = {
    "dense": "dense, trained on",
    "taylor": "gradual, Taylor",
    "magnitude": "gradual, magnitude",
    "random": "gradual, random, the same share of every matrix, no modules",
    "scratch": "same size, from scratch",
    "scratch-taught": "same size, from scratch, outputs taught",
    "taylor-taught": "gradual, Taylor, taught",
    "taylor-outputs": "gradual, Taylor, outputs taught",
    "magnitude-taught": "gradual, magnitude, taught",
    "layers": "whole blocks, Taylor, 40 % kept",
    "narrow": "uniform widths, magnitude",
    "l0-matched": "gates, matched layers and outputs taught",
    "l0-fixed": "gates, fixed layers and outputs taught",
    "l0-outputs": "gates, outputs taught",
    "l0-alone": "gates, no teacher",
    "l0-slow": "gates at a third of the rate, outputs taught",
    "l0-slow-alone": "gates at a third of the rate, no teacher",
    "l0-coarse": "gates on modules and blocks only, taught",
    "l0-fine": "gates on units only, taught",
}


def main() -> None:
    """Write every table there are results for."""
    parts = ["# Results\n\nWritten by `python -m benchmarks.tables` from the files beside this one.\n"]
    for path in sorted(RESULTS.glob("*.json")):
        result = _result(path.stem)
        written = comparison if "base" in result else study if "findings" in result else TABLES.get(path.stem)
        if written:
            parts.append(f"## {path.stem}\n\n{written(result)}\n")
    (ROOT / "benchmarks" / "tables.md").write_text("\n".join(parts))
    for (page, name), shown in shown_on_pages().items():
        _fill(page, name, shown)


def shown_on_pages() -> dict[tuple[Path, str], str]:
    """Return what pages show between two comments with a name."""
    columns = Columns(*map(_result, ("csp-conformer", "csp-transducer", "csp-lm")))
    gated, sensed, read = (DOCS / f"study-{name}.md" for name in ("conformer", "compressed-sensing", "language-model"))
    return {
        (README, "an4-half"): comparison(_result("an4-half")),
        (gated, "conformer-half"): comparison(_result("conformer-half")),
        (gated, "sentences-half"): comparison(_result("sentences-half")),
        (read, "lm-study"): perplexities(_result("lm-study")),
        (read, "lm-family"): family(_result("lm-family")),
        (sensed, "shares"): shares(columns),
        (sensed, "rivals"): rivals(columns),
        (sensed, "ladder"): ladder(columns.conformer, _result("csp-lm-small")),
        (sensed, "others"): listed(columns.conformer, OTHERS),
        (sensed, "blocks"): listed(columns.conformer, BLOCKS),
    }


def _result(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text())


def comparison(result: Mapping[str, Any]) -> str:
    """One line per row: size, cost, WER over all sets with interval, relative to the base with its p-value."""
    if any(map(zeroed, result["rows"].values())):
        return _of_zeros(result)
    return table(
        "row | seeds | parameters | bytes | MACs/s | speed-up, 4 s and 15 s | WER [95 %] | test sets alone "
        "| relative to dense | p",
        (
            f"{_named(row)} | {_seeds(m)} | {m['params']:,} | {m['bytes'] / 1e6:.2f} M "
            f"| {m['macs_per_audio_second'] / 1e6:.1f} M | {_speedups(m['speedup'])} | {_rates(m)}"
            for row, m in result["rows"].items()
        ),
    )


def _named(row: str) -> str:
    """Name a row in words; a number at its end is the share kept, where that is not half."""
    known, _, kept = row.rpartition("-")
    return f"{NAMES[known]}, {kept} % kept" if kept.isdigit() and known in NAMES else NAMES.get(row, row)


def _seeds(row: Mapping[str, Any]) -> str:
    """Return how many seeds a row has, and how many of them the base has too, if not all."""
    seeds, compared = len(row["seeds"]), len(row.get("seeds_compared", row["seeds"]))
    return f"{seeds}" if seeds == compared else f"{seeds}, {compared} compared"


def _of_zeros(result: Mapping[str, Any]) -> str:
    return table(
        "row | seeds | parameters not zero | zeros, matrix by matrix | bytes without zeros | WER [95 %] "
        "| test sets alone | relative to dense | p",
        (
            f"{NAMES.get(row, row)} | {_seeds(m)} | {m['nonzero_params']:,} | {_shares(m['zeros'])} "
            f"| {m['compressed_bytes'] / 1e6:.2f} M | {_rates(m)}"
            for row, m in result["rows"].items()
        ),
    )


def _shares(bounds: Sequence[float] | None) -> str:
    return f"{bounds[0]:.0%} to {bounds[1]:.0%}" if bounds else "-"


def _rates(row: Mapping[str, Any]) -> str:
    """Return a row's error rate, what it is relative to the base, and how sure that is."""
    relative = f"{row['ratio'] - 1:+.1%}" if "ratio" in row else "-"
    p = "-" if "p_value" not in row else "< 0.001" if row["p_value"] < 0.001 else f"{row['p_value']:.3f}"
    alone = "-" if row["wer_of_test"] is None else f"{row['wer_of_test']:.2%}"
    return f"{row['wer']:.2%} {_between(row['wer_ci95'], '.2%')} | {alone} | {relative} | {p}"


def study(result: Mapping[str, Any]) -> str:
    """One line per row: size, speed, perplexity and error rate within a recognizer, over those of the row `dense`."""
    return table(
        "row | seeds | parameters | not zero | bytes without zeros | tokens per second | speed-up, short and long "
        "| perplexity | over dense, trained on [95 %] | WER [95 %] | over dense, trained on, p",
        (
            f"{row} | {len(m['seeds'])} | {m['params']:,} | {m['nonzero_params']:,} | {_stored(m)} "
            f"| {_pace(m)} | {'-' if zeroed(m) else _speedups(m['speedups'])} | {m['perplexity']:.1f} "
            f"| {_ratio(row, m['over_dense'])} | {_within(row, m)}"
            for row, m in result["rows"].items()
        ),
    )


def _stored(row: Mapping[str, Any]) -> str:
    found = row["compressed_bytes"] if zeroed(row) else row["bytes"]
    return f"{found / 1e6:.2f} M" if found else "-"


def _pace(row: Mapping[str, Any]) -> str:
    """Return how many tokens run in a second on one thread, at the longest text, where zeros are not what is left."""
    found = row["tokens_per_second"]
    return "-" if zeroed(row) or not found else f"{found:,.0f}"


def _ratio(row: str, over: Mapping[str, Any] | None) -> str:
    """Return a perplexity over another, and its interval where sums of sentences were kept."""
    if not over or row == DENSE:
        return "-"
    return " ".join([f"{over['ratio']:.3f}", *([_between(over["ratio_ci95"], ".3f")] if "ratio_ci95" in over else [])])


def _within(name: str, row: Mapping[str, Any]) -> str:
    """Return a language model's error rate within a recognizer, and what that is over the dense one's."""
    if "wer" not in row:
        return "- | -"
    over = row["over_dense"] or {}
    known = "wer_p" in over and name != DENSE
    difference = f"{over['wer_difference']:+.2%}, {over['wer_p']:.3f}" if known else "-"
    return f"{row['wer']:.2%} {_between(row['wer_ci95'], '.2%')} | {difference}"


def _between(bounds: Sequence[float], form: str) -> str:
    return f"[{bounds[0]:{form}}, {bounds[1]:{form}}]"


def _speedups(found: Sequence[Mapping[str, Any]] | None) -> str:
    """Return dense over pruned seconds on one thread, of the first seed, at every length."""
    return ", ".join(f"{s['median']:.2f}" for s in found or ()) or "-"


def speed(result: Mapping[str, Any]) -> str:
    """One line per model, threads and length."""
    return table(
        "model | cut | threads | input | dense | pruned | speed-up [95 %] | MACs less | speed-up / MACs less",
        map(_of_one_length, result["rows"]),
    )


def _of_one_length(row: Mapping[str, Any]) -> str:
    dense, pruned = (f"{1000 * s:.3g} ms" for s in row["median_s"])
    length = f"{row['audio_seconds']:g} s" if "audio_seconds" in row else f"{row['tokens']:g} tokens"
    return (
        f"{row['model']} | {row.get('recipe', 'units')} | {row['threads']} | {length} | {dense} | {pruned} "
        f"| {row['speedup']:.2f} {_between(row['speedup_ci95'], '.2f')} | {row['mac_reduction']:.2f} "
        f"| {row['speedup_over_mac_reduction']:.2f}"
    )


def kernels(result: Mapping[str, Any]) -> str:
    """One line per kernel and number of tokens."""
    return table(
        "kernel | tokens | per layer | times torch fp32 | torch bf16 | torch int8 [95 %] | of the speed of memory",
        (
            f"{row['kernel']} | {row['tokens']} | {1e6 * row['median_s']:.0f} us "
            f"| {row['times']['torch fp32']['median']:.2f} | {_median(row['times'].get('torch bf16'))} "
            f"| {_against(row['times']['torch int8'])} | {row['of_ceiling']:.0%}"
            for row in result["rows"]
        ),
    )


def _median(ratio: Mapping[str, Any] | None) -> str:
    return f"{ratio['median']:.2f}" if ratio else "-"


def zeros(result: Mapping[str, Any]) -> str:
    """One line per kernel and number of tokens."""
    return table(
        "kernel | tokens | bytes of all layers | per layer | times torch fp32 [95 %]",
        (
            f"{row['kernel']} | {row['tokens']} | {row['bytes'] / 1e6:.0f} M | {1e6 * row['median_s']:.0f} us "
            f"| {_against(row['times_dense'])}"
            for row in result["rows"]
        ),
    )


def end_to_end(result: Mapping[str, Any]) -> str:
    """One line per length, number of threads and form."""
    return table(
        "audio | threads | form | median | real-time factor | sparse is times as fast [95 %]",
        (
            f"{row['audio_seconds']:g} s | {row['threads']} | {row['form']} | {1e3 * row['median_s']:.1f} ms "
            f"| {row['rtf']:.4f} | {_against(_other(result, row, 'sparse int8')['times'].get(row['form']))}"
            for row in result["rows"]
        ),
    )


def _other(result: Mapping[str, Any], row: Mapping[str, Any], form: str) -> Mapping[str, Any]:
    """Return the row of another form on the same input and threads."""
    same = ("audio_seconds", "threads")
    return next(one for one in result["rows"] if one["form"] == form and all(one[k] == row[k] for k in same))


def packed(result: Mapping[str, Any]) -> str:
    """One line per file and state of the page cache."""
    return table(
        "file | bytes | page cache | opened in | packed is times as fast [95 %]",
        (
            f"{kind} | {result['bytes'][kind] / 1e6:.1f} M | {state} | {1e3 * opened[kind]['median_s']:.1f} ms "
            f"| {_against(opened['packed'].get(f'times_{kind}'))}"
            for state, opened in result["opened"].items()
            for kind in result["bytes"]
        ),
    )


def accelerated(result: Mapping[str, Any]) -> str:
    """One line per model and what runs it."""
    return table(
        "model | run by | sparse layers | packed file | WER or perplexity [95 %] | against pruned in PyTorch, p",
        (
            f"{model} | {form} | {m.get('sparse_layers', '-')} | {_megabytes(m)} | {_judged(m)}"
            for model, forms in result["rows"].items()
            for form, m in forms.items()
        ),
    )


def _megabytes(form: Mapping[str, Any]) -> str:
    return f"{form['bytes'] / 1e6:.2f} M" if "bytes" in form and "sparse_layers" in form else "-"


def _judged(form: Mapping[str, Any]) -> str:
    """Return an error rate, a perplexity, or how often tokens are the same, and how that differs from PyTorch's."""
    if "same_token" in form:
        return f"{form['same_token']:.1%} of {form['frames']:,} frames as in PyTorch | -"
    if "wer" in form:
        change = f"{form['wer_difference']:+.2%}, {form['p_value']:.3f}" if "p_value" in form else "-"
        return f"{form['wer']:.2%} {_between(form['wer_ci95'], '.2%')} | {change}"
    change = f"times {form['perplexity_ratio']:.4f}" if "perplexity_ratio" in form else "-"
    return f"{form['perplexity']:.1f} {_between(form['perplexity_ci95'], '.1f')} | {change}"


def step_cost(result: Mapping[str, Any]) -> str:
    """One line per variant."""
    return table(
        "step with | median | against the plain step [95 %]",
        (f"{name} | {m['median_s']:.3f} s | {_against(m.get('ratio'))}" for name, m in result["variants"].items()),
    )


def _against(ratio: Mapping[str, Any] | None) -> str:
    return f"{ratio['median']:.3f} {_between(ratio['ci95'], '.3f')}" if ratio else "-"


def gates(result: Mapping[str, Any]) -> str:
    """One line per control and number of steps."""
    return table(
        "control | steps | lowest expected size | last | lost over the least possible",
        (
            f"{r['control']} | {r['steps']:,} | {r['lowest_size']:.1%} | {r['last_size']:.1%} "
            f"| {r['lost_over_best']:.3f}"
            for r in result["rows"]
        ),
    )


def scale(result: Mapping[str, Any]) -> str:
    """One line per job."""
    return table(
        "job | seconds | peak memory",
        (
            f"{job} | {result[job]['seconds']:,.0f} | {result[job]['peak_rss_bytes'] / 2**30:.1f} GiB"
            for job in ("plan", "prune")
        ),
    )


def family(result: Mapping[str, Any]) -> str:
    """One line per size."""
    return table("parameters | from one run | alone | over alone | over dense", map(_of_one_size, result["rows"]))


def _of_one_size(row: Mapping[str, Any]) -> str:
    one, other = (f"{row[key]:.1f} {_between(row[f'{key}_ci95'], '.1f')}" for key in ("family", "alone"))
    return f"{row['params']:,} | {one} | {other} | {row['family_over_alone']:.3f} | {row['family_over_dense']:.3f}"


TABLES = {
    "accelerated": accelerated,
    "end-to-end": end_to_end,
    "end-to-end-zen3": end_to_end,
    "gates": gates,
    "kernels": kernels,
    "kernels-avx2": kernels,
    "kernels-zen3": kernels,
    "packed": packed,
    "scale": scale,
    **dict.fromkeys(("solver-cost", "solver-cost-transducer", "solver-cost-lm"), step_cost),
    "speed": speed,
    "lm-family": family,
    "lm-family-early": family,
    "lm-speed": speed,
    "step-cost": step_cost,
    "zeros": zeros,
}
"""Experiment -> its table; comparisons all have the same."""


def _fill(page: Path, name: str, shown: str) -> None:
    """Put a table between the markers of a page."""
    before, rest = page.read_text().split(f"<!-- {name} -->")
    after = rest.split(f"<!-- /{name} -->")[1]
    page.write_text(f"{before}<!-- {name} -->\n{shown}\n<!-- /{name} -->{after}")


if __name__ == "__main__":
    main()
