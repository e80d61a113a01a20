from typing import Any

from secateur.report.cells import plain
from secateur.report.formats import GAP, MINUS
from secateur.report.outcomes import outcomes, series


def result(cell: str, axes: dict[str, Any], *, seed: int = 0, **parts: Any) -> dict[str, Any]:
    return {"cell": cell, "axes": axes, "seed": seed, **parts}


def measured(kept: float, *, dense_wer: float = 0.1) -> dict[str, Any]:
    return {
        "dense": {"params": 100, "nonzero_params": 100, "wer": dense_wer, "rtf": 0.1},
        "pruned": {"params": 100 * kept, "nonzero_params": 100 * kept, "wer": 0.2, "rtf": 0.05},
        "comparison": {"params": kept, "wer_difference": 0.1, "p_value": 0.01},
    }


def test_a_row_has_its_axes_and_its_numbers() -> None:
    found = outcomes([result("a", {"criterion": "taylor", "target.params": 0.5}, **measured(0.5))])
    (one,) = found.done
    assert (found.axes, one.axes) == (("criterion", "target.params"), ("taylor", "0.5"))
    assert found.columns == ("parameters", "WER pruned", "WER difference")
    assert plain(one.cells["parameters"]).replace(GAP, " ") == f"{MINUS}50.0 %"
    assert one.verdict is not None
    assert one.verdict.kind == "worse"


def test_values_are_told_as_their_yaml_is() -> None:
    values = {"a": ["head", "ffn_unit"], "b": {"name": "cubic", "end": 0.5}, "c": None, "d": True, "e": "x", "f": 3}
    (one,) = outcomes([result("a", values)]).done
    assert one.axes == ("head + ffn_unit", "{name: cubic, end: 0.5}", "null", "true", "x", "3")


def test_seeds_are_an_axis_only_where_there_are_several() -> None:
    assert outcomes([result("a", {"x": 1}, seed=3), result("b", {"x": 2}, seed=3)]).axes == ("x",)
    found = outcomes([result("a", {"x": 1}, seed=3), result("b", {"x": 2}, seed=4)])
    assert found.axes == ("x", "seed")
    assert [one.axes for one in found.done] == [("1", "3"), ("2", "4")]


def test_a_cell_beside_the_grid_leaves_axes_empty() -> None:
    found = outcomes([result("a", {"x": 1}), result("b", {})])
    assert [one.axes for one in found.done] == [("1",), ("",)]


def test_the_dense_model_is_told_once_where_it_is_the_same() -> None:
    same = outcomes([result(name, {}, **measured(0.5)) for name in "ab"])
    assert "WER dense" not in same.columns
    assert plain(same.dense).replace(GAP, " ") == "WER 10.00 %"
    apart = outcomes([result("a", {}, **measured(0.5)), result("b", {}, **measured(0.5, dense_wer=0.2))])
    assert "WER dense" in apart.columns
    assert apart.dense == ()


def test_zeros_have_a_column_where_there_are_many() -> None:
    zeros = measured(1.0)
    zeros["pruned"]["nonzero_params"] = 20
    found = outcomes([result("a", {}, **zeros), result("b", {}, **measured(0.5))])
    assert [plain(one.cells["not zero"]).replace(GAP, " ") for one in found.done] == [f"{MINUS}80.0 %", ""]


def test_what_failed_is_apart() -> None:
    found = outcomes([result("a", {"x": 1}, error="no room"), result("b", {"x": 2})])
    assert [(one.name, one.error) for one in found.failed] == [("a", "no room")]
    assert [one.name for one in found.done] == ["b"]


def test_nothing_yet_is_no_row() -> None:
    found = outcomes([])
    assert (found.axes, found.columns, found.done, found.failed) == ((), (), (), ())


def test_colours_go_to_the_first_axis_that_is_no_size_and_has_values_enough_and_not_too_many() -> None:
    def chosen(**axes: list[Any]) -> str:
        named = {name.replace("_", "."): values for name, values in axes.items()}
        results = [result("x", dict(zip(named, values, strict=True))) for values in zip(*named.values(), strict=True)]
        return series(results)[0]

    assert chosen(criterion=["a", "b"], how=["x", "y"]) == "criterion"
    assert chosen(target_params=[0.5, 0.6], how=["x", "y"]) == "how"
    assert chosen(criterion=["a", "a"], how=["x", "y"]) == "how"
    assert chosen(criterion=list("abcdefg"), how=list("xyxyxyx")) == "how"
    assert chosen(criterion=list("abcdef"), how=list("xyxyxy")) == "criterion"
    assert chosen(criterion=["a", "a"]) == ""


def test_each_result_has_its_value_of_that_axis() -> None:
    results = [result("a", {"x": 1}), result("b", {"x": [2, 3]}), result("c", {})]
    assert series(results) == ("x", ("1", "2 + 3", None))
