import os
import subprocess
import sys
from pathlib import Path

import pytest

from secateur.runtime import compiled as module
from secateur.runtime.compiled import compiled, settings


def test_what_is_compiled_lies_in_the_cache_folder_by_the_name_of_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECATEUR_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "sources", lambda: "abc")
    before = settings.CACHE_DIR
    twice = compiled(_twice)
    assert before == settings.CACHE_DIR
    assert twice(3) == 6
    assert list((tmp_path / "kernels" / "abc").rglob("*.nbc"))


def _twice(number):
    return 2 * number


def test_another_source_is_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text("1")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "compiled.py"))
    before = module.sources.__wrapped__()
    (tmp_path / "one.py").write_text("2")
    assert module.sources.__wrapped__() != before
    assert len(before) == 16


def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    code = (
        "import torch; from sparse_weights import sparse; from secateur.checkpoint.packed import pack;"
        "from secateur.runtime import SparseLinear, integers;"
        "SparseLinear(pack(sparse((16, 64), 0.5), outputs=0, dtype='I8'))(torch.randn(1, 64));"
        "stats = integers.multiply_part.stats;"
        "print(sum(stats.cache_misses.values()), sum(stats.cache_hits.values()))"
    )
    environment = {**os.environ, "SECATEUR_CACHE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment) for _ in "12"]
    assert [one.stdout.split() for one in ran] == [["1", "0"], ["0", "1"]], ran[0].stderr[-2000:]
