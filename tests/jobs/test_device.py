import os
from pathlib import Path

import pytest
import torch

from secateur.jobs import device


def test_a_run_says_what_it_was_made_with() -> None:
    found = device.describe_device()
    assert found["cores"] == os.cpu_count()
    assert found["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["cpu"]
    assert ("gpu" in found) == torch.cuda.is_available()


def test_the_processors_name_is_the_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU @ 2.0 GHz\nmodel name\t: other\n")
    monkeypatch.setattr(device, "CPU_INFO", tmp_path / "cpuinfo")
    assert device.describe_device()["cpu"] == "Some CPU @ 2.0 GHz"


@pytest.mark.parametrize("content", [None, "processor: 0\n"])
def test_where_the_kernel_does_not_say_the_platform_does(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "cpuinfo").write_text(content)
    monkeypatch.setattr(device, "CPU_INFO", tmp_path / "cpuinfo")
    assert device.describe_device()["cpu"]
