from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from secateur.evaluation import OnnxSession
from secateur.onnx_graph import linear_layers_to_onnx


@pytest.fixture
def graph(tmp_path: Path) -> tuple[nn.Linear, Path]:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    torch.manual_seed(0)
    layer = nn.Linear(8, 12)
    return layer, linear_layers_to_onnx([layer], tmp_path / "layer.onnx")


@pytest.mark.parametrize("threads", [1, 2])
def test_a_graph_gives_what_the_layer_does(graph: tuple[nn.Linear, Path], threads: int) -> None:
    layer, path = graph
    session, tokens = OnnxSession(path, threads=threads), torch.randn(3, 8)
    [found] = session(session.feed({"x0": tokens}))
    np.testing.assert_allclose(found, layer(tokens).detach().numpy(), atol=1e-5)


def test_a_graph_is_fed_with_what_it_takes_and_nothing_else(graph: tuple[nn.Linear, Path]) -> None:
    session = OnnxSession(graph[1], threads=1)
    assert session.inputs == ("x0",)
    fed = session.feed({"x0": torch.randn(8, 3).T, "attention_mask": torch.ones(3)})
    assert fed.keys() == {"x0"}
    assert fed["x0"].flags["C_CONTIGUOUS"]
