"""Tables of zeros in three models."""

from typing import Any

from benchmarks.shares import BLOCKS, Columns, ladder, listed, rivals, shares


def heard(*wers: float, **more: Any) -> dict[str, Any]:
    """A recognizer's row: so many words wrong, seed by seed."""
    return {"wer": sum(wers) / len(wers), "wer_by_seed": {str(seed): wer for seed, wer in enumerate(wers)}, **more}


def read(*perplexities: float, **more: Any) -> dict[str, Any]:
    """A language model's row."""
    mean = sum(perplexities) / len(perplexities)
    return {"perplexity": mean, "perplexity_by_seed": list(perplexities), "over_dense": None, **more}


def columns(conformer: dict[str, Any], transducer: dict[str, Any], language_model: dict[str, Any]) -> Columns:
    return Columns({"rows": conformer}, {"rows": transducer}, {"rows": language_model})


def test_each_share_and_way_that_is_there_has_a_line() -> None:
    found = columns(
        {
            "dense": heard(0.08),
            "csp": heard(0.09, 0.1, ratio=1.1, p_value=0.0123),
            "csp-95": heard(0.2, ratio=2.5, p_value=0.0),
        },
        {"dense": heard(0.06), "gradual": heard(0.07, ratio=1.0, p_value=0.999)},
        {"dense": read(200.0), "sparsity0.95-csp": read(300.0, over_dense={"ratio": 1.5})},
    )
    assert shares(found).splitlines()[2:] == [
        "| none | trained on as long | 8.00% | 6.00% | 200.0 |",
        "| 80 % | gradual magnitude | - | 7.00%, +0.0%, p = 1 | - |",
        "| 80 % | compressed sensing, `loss`, level 0 | 9.50% (9.00, 10.00), +10.0%, p = 0.012 | - | - |",
        "| 95 % | compressed sensing, `loss`, level 0 | 20.00%, +150.0%, p < 0.001 | - | 300.0, +50.0% |",
    ]


def test_a_row_stands_beside_those_it_is_compared_with() -> None:
    over = {"ratio": 0.8, "p_value": 0.02, "seeds_compared": [0, 1]}
    found = columns(
        {"csp-90": heard(0.09, over={"gradual-90": over})},
        {"csp-90": heard(0.09, over={"gradual-90": {}})},
        {"sparsity0.9-csp": read(9.0, over={"sparsity0.9-gradual": {"ratio": 0.9, "seeds_compared": [0]}})},
    )
    way = "compressed sensing, `loss`, level 0"
    assert rivals(found).splitlines()[2:] == [
        f"| 90 % | {way} | gradual magnitude | -20.0%, p = 0.02, 2 seeds | - | -10.0%, 1 seed |"
    ]


def test_the_ladder_shows_every_seed_and_both_shares_of_the_small_model() -> None:
    conformer = {"rows": {"csp-identity": heard(0.09, 0.2)}}
    small = {"rows": {"sparsity0.8-feedback": read(300.0), "sparsity0.9-feedback": read(350.0)}}
    lines = ladder(conformer, small).splitlines()
    assert (
        "| the model runs on its support instead, what that lacks is fed back | 14.50% (9.00, 20.00) | 300.0 | 350.0 |"
        in lines
    )
    assert "| + soft threshold | - | - | - |" in lines


def test_a_list_has_the_rows_that_are_there_with_their_bytes() -> None:
    conformer = {
        "rows": {"csp-16x1": heard(0.09, ratio=1.1, p_value=0.2, compressed_bytes=4_610_000), "csp": heard(0.1)}
    }
    assert listed(conformer, BLOCKS).splitlines()[2:] == [
        "| compressed sensing, 16 x 1 | 4.61 M | 9.00%, +10.0%, p = 0.2 |"
    ]
