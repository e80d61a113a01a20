"""The table of a study's grid."""

from typing import Any

from benchmarks.grid import perplexities


def row(perplexity: float, *, nonzero: int = 100, **axes: Any) -> dict[str, Any]:
    speedups = [{"tokens": 32, "median": 1.1}, {"tokens": 128, "median": 1.5}]
    return {"axes": axes, "perplexity": perplexity, "params": 100, "nonzero_params": nonzero, "speedups": speedups}


def cell(method: str, size: float) -> dict[str, Any]:
    return {"method": method, "criterion": "taylor", "schedule": "one-shot", "target.params": size}


def test_each_way_has_a_line_and_each_size_a_column() -> None:
    rows = {
        "dense": row(90.0),
        "a": row(100.0, **cell("structured", 0.5)),
        "b": row(200.0, **cell("structured", 0.25)),
        "c": row(95.0, nonzero=50, **cell("unstructured", 0.5)),
        "plain_singular_values_0.5": row(110.0),
        "scratch-0.25": row(300.0),
    }
    assert perplexities({"rows": rows}).splitlines() == [
        "| method | criterion | schedule | 50 % kept | 25 % kept |",
        "|---|---|---|---|---|",
        "| low rank | plain singular values | one-shot | 110.0, 1.50 x | - |",
        "| structured | taylor | one-shot | 100.0, 1.50 x | 200.0, 1.50 x |",
        "| trained so small from scratch |  |  | - | 300.0, 1.50 x |",
        "| unstructured | taylor | one-shot | 95.0 | - |",
    ]
