import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ParakeetForCTC

from secateur.errors import ModelError, RequestError, WorkError
from secateur.evaluation import memory, peak_rss_bytes, weight_bytes


@pytest.fixture
def folder(tmp_path: Path, parakeet: ParakeetForCTC) -> Path:
    parakeet.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_a_fresh_process_reports_its_own_peak_and_not_its_parents(folder: Path) -> None:
    ballast = np.ones(200_000_000)
    assert weight_bytes(folder) < peak_rss_bytes(folder, length=0.5) < ballast.nbytes


def test_the_child_prints_bytes_and_uses_the_threads_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    memory.main([str(folder), "--length", "0.5", "--threads", "3"])
    printed = int(capsys.readouterr().out)
    # What is resident now cannot be above the peak.
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4096 if memory.PROC_STATUS.exists() else 0
    assert printed > 1e7
    assert resident <= printed * 1.05
    assert threads == [3]


def test_without_proc_the_peak_comes_from_the_resource_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("resource")
    exact = memory._peak()
    monkeypatch.setattr(memory, "PROC_STATUS", tmp_path / "absent")
    assert memory._peak() >= exact * 0.95


@pytest.mark.parametrize(
    ("child", "fragment"),
    [
        ("import sys; sys.exit('OSError: no weights here')", "could not be measured: OSError: no weights here"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("import sys; sys.exit(7)", "ended with status 7 and said nothing"),
    ],
)
def test_a_child_that_fails_is_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, child: str, fragment: str
) -> None:
    monkeypatch.setattr(memory, "CHILD", child)
    with pytest.raises(WorkError, match=fragment):
        peak_rss_bytes(folder, length=1.0)


@pytest.mark.parametrize(
    ("config", "fragment"),
    [
        ({"model_type": "parakeet_ctc", "architectures": ["Elsewhere"]}, "ModelError: .*but is .'Elsewhere'"),
        ({"model_type": "parakeet_ctc"}, "ModelError: .*but is "),
        ({"model_type": "parakeet_ctc", "architectures": ["ParakeetForCTC"]}, "OSError: "),
    ],
)
def test_a_folder_that_does_not_load_is_named_by_the_child(
    tmp_path: Path, config: dict[str, object], fragment: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(SystemExit, match=fragment):
        memory.main([str(tmp_path), "--length", "1", "--threads", str(torch.get_num_threads())])


def test_what_is_no_model_folder_is_refused_before_any_process_starts(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no config\.json"):
        peak_rss_bytes(tmp_path, length=1.0)


@pytest.mark.parametrize(
    ("options", "fragment"), [({"length": 2.0, "threads": 0}, "but are 0 and 2.0"), ({"length": 0}, "but are 1 and 0")]
)
def test_options_out_of_range_are_refused(folder: Path, options: dict[str, int], fragment: str) -> None:
    with pytest.raises(RequestError, match=fragment):
        peak_rss_bytes(folder, **options)
