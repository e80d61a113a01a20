import pytest
import torch

from secateur.evaluation import accelerator, on_accelerator


def found(monkeypatch: pytest.MonkeyPatch, device: torch.device | None) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: device)


def test_a_model_is_back_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, torch.device("meta"))
    model = torch.nn.Linear(2, 2)
    weight = model.weight.detach().clone()
    moves: list[str] = []
    to = model.to
    monkeypatch.setattr(model, "to", lambda device: moves.append(str(device)) or to("cpu"))
    with on_accelerator(model):
        assert moves == ["meta"]
    assert moves == ["meta", "cpu"]
    assert torch.equal(model.weight, weight)


def test_what_runs_on_the_processor_alone_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, torch.device("meta"))
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    model[1].on_processor = True
    monkeypatch.setattr(model, "to", lambda device: pytest.fail(f"moved to {device}"))
    with on_accelerator(model):
        assert model[0].weight.device.type == "cpu"


@pytest.mark.parametrize("there", [None, torch.device("mps")])
def test_without_one_that_counts_in_double_it_stays(
    monkeypatch: pytest.MonkeyPatch, there: torch.device | None
) -> None:
    found(monkeypatch, there)
    assert accelerator.accelerator(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.gpu
def test_a_model_works_on_the_gpu_in_here() -> None:
    model = torch.nn.Linear(2, 2)
    with on_accelerator(model):
        assert model.weight.is_cuda
    assert not model.weight.is_cuda
