import json
from pathlib import Path
from typing import Any

import pytest

from speech import save_recognizer


def test_the_size_is_said_before_and_after(tmp_path: Path, secateur: Any) -> None:
    model = save_recognizer(tmp_path / "m")
    numbers = tmp_path / "numbers.json"
    said = secateur(
        "export", model, "--to", "packed", "--values", "int8", "--zstd", "--out", tmp_path / "p", "--json", numbers
    )
    assert said.code == 0
    report = json.loads(numbers.read_text())
    size, weights = said.out.splitlines()
    assert size.startswith(f"{tmp_path / 'p' / 'model.safetensors'}: ")
    assert f"{report['bytes_before'] / report['bytes']:.2f} times smaller" in size
    assert weights.endswith(f"{report['bits_per_weight']:.2f} bits each")


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        (("--to", "onnx"), "onnx"),
        (("--values", "int4"), "int4"),
        (("--out", "m"), "must be a new or empty folder"),
    ],
)
def test_bad_requests_exit_2(tmp_path: Path, secateur: Any, options: tuple[str, ...], fragment: str) -> None:
    model = save_recognizer(tmp_path / "m")
    given = {"--out": str(tmp_path / "p"), **dict([options])}
    given["--out"] = str(tmp_path / given["--out"])
    said = secateur("export", model, *(word for pair in given.items() for word in pair))
    assert said.code == 2
    assert fragment in said.err
