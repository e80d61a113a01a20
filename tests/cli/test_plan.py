import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_a_plan_is_printed_and_written_and_changes_nothing(
    tmp_path: Path, recipe: Callable[..., str], secateur: Any
) -> None:
    path = recipe()
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    said = secateur("plan", path, "target.params=0.7")
    assert said.code == 0
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before
    assert "parameters" in said.out
    assert "MACs per second of audio" in said.out
    assert "encoder.layers.1" in said.out
    assert "feed_forward1 ffn_unit" in said.out
    assert "target: 70.00%" in said.out
    assert "loads with: `import secateur`, then AutoModel...from_pretrained" in said.out
    again = secateur("plan", path, "target.params=0.7", "--json", tmp_path / "plan.json")
    found = json.loads((tmp_path / "plan.json").read_text())
    assert again.out == said.out
    assert f"{found['pruned']['params']:,}" in said.out
    assert f"{found['sites'][0]['kept']}/{found['sites'][0]['units']}" in said.out


def test_a_plan_says_of_every_unit_of_the_target_whether_it_is_met(recipe: Callable[..., str], secateur: Any) -> None:
    said = secateur("plan", recipe(), "target={params: 0.8, macs: 0.75}")
    assert said.code == 0
    assert "target: 80.00% (params of the whole model)" in said.out
    assert "target: 75.00% (macs of the whole model, per second of audio or per token)" in said.out


def test_a_plan_of_single_weights_names_them_by_their_layer(recipe: Callable[..., str], secateur: Any) -> None:
    said = secateur("plan", recipe(), "granularity=element", "target.sparsity=0.5")
    assert said.code == 0
    assert "target: " in said.out
    assert re.search(r"PyTorch +all multiply-accumulates: zeros are no less work", said.out)
    assert re.search(r"ONNX Runtime +not tried; `--runtime onnx` does", said.out)
    assert re.search(r"sparse kernels +\d+ of \d+ matrices have zeros that pay", said.out)


def test_a_plan_of_units_says_what_is_left_to_multiply(recipe: Callable[..., str], secateur: Any) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    said = secateur("plan", recipe(), "target.params=0.7", "--runtime", "onnx")
    assert re.search(r"PyTorch +\d+\.\d% of the multiply-accumulates", said.out)
    assert re.search(r"ONNX Runtime +runs, with \d+\.\d% of the multiply-accumulates", said.out)


@pytest.mark.parametrize(
    ("overrides", "fragment"),
    [
        (["target.params=0.01"], "which is what stays when all leaves"),
        (["target.params=100000"], "nothing to do"),
        (["target.params=50"], "did you mean 0.5?"),
        (["model=./none"], "does not exist"),
        (["criterion=taylor", "data={}"], "`data.train` must be given for the criterion taylor"),
        (["--json", "/none/plan.json"], "lies in a folder that does not exist"),
    ],
)
def test_a_wrong_request_exits_2(
    overrides: list[str], fragment: str, recipe: Callable[..., str], secateur: Any
) -> None:
    said = secateur("plan", recipe(), *overrides)
    assert (said.code, said.out) == (2, "")
    assert fragment in said.err
