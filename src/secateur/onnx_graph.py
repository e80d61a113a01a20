"""A model in forms that others run: ONNX."""

import io
import logging
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from secateur.errors import MissingExtraError, ModelError
from secateur.processor import saturates

NEEDED: Final = ("onnx", "onnxscript", "onnxruntime")

FILE: Final = "model.onnx"

OPSET: Final = 18
"""What PyTorch's exporter writes, too."""

QUANTIZED: Final = ("MatMul", "Gemm")
"""Operators whose weights become integers. Convolutions do not: ONNX Runtime is slower with those of integers than with
those of floats (measured: 143 ms with them, 60 ms without, 136 ms all in float32; a Parakeet of 110 M, 4 s)."""


def require_onnx() -> None:
    """Make sure that graphs can be written and run.

    Raises:
        MissingExtraError: A library is missing.
    """
    missing = next((module for module in NEEDED if find_spec(module) is None), None)
    if missing is not None:
        raise MissingExtraError(missing, extra="onnx", purpose="ONNX graphs are written and run")


def to_onnx(model: Any, inputs: Mapping[str, Tensor], folder: Path) -> Path:
    """Write a model as a graph that takes inputs of any length, by `transformers`' exporter; return its file.

    Raises:
        MissingExtraError: A library is missing.
        ModelError: The exporter fails on the model.
    """
    require_onnx()
    try:
        with _quiet():
            from transformers.exporters.configs import OnnxConfig
            from transformers.exporters.exporter_onnx import OnnxExporter  # needs an extra

            exported = OnnxExporter().export(model, dict(inputs), config=OnnxConfig(dynamic=True))
            exported.save_pretrained(str(folder))
    except Exception as error:  # tracing somebody's forward raises anything
        raise ModelError(
            f"a model for ONNX Runtime must be one that `transformers` exports to ONNX, but {type(model).__name__} is "
            f"not: {str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__:.200}"
        ) from error
    return folder / FILE


def linear_layers_to_onnx(layers: Sequence[nn.Linear], path: Path) -> Path:
    """Write linear layers side by side in one graph, each with an input and an output of its own."""
    require_onnx()
    import onnx  # needs an extra
    from onnx import helper, numpy_helper

    real = onnx.TensorProto.FLOAT
    nodes: list[Any] = []
    weights: list[Any] = []
    ends: dict[str, list[Any]] = {"x": [], "y": []}
    for at, layer in enumerate(layers):
        for end, width in (("x", layer.in_features), ("y", layer.out_features)):
            ends[end].append(helper.make_tensor_value_info(f"{end}{at}", real, ["tokens", width]))
        weights.append(numpy_helper.from_array(layer.weight.detach().float().T.contiguous().numpy(), f"w{at}"))
        weights.append(numpy_helper.from_array(_bias(layer).numpy(), f"b{at}"))
        nodes.append(helper.make_node("MatMul", [f"x{at}", f"w{at}"], [f"p{at}"]))
        nodes.append(helper.make_node("Add", [f"p{at}", f"b{at}"], [f"y{at}"]))
    graph = helper.make_graph(nodes, "layers", ends["x"], ends["y"], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.save(made, str(path), save_as_external_data=True, location=f"{path.name}.data")
    return path


def _bias(layer: nn.Linear) -> Tensor:
    bias: Any = layer.bias  # PyTorch's types know of none that is absent
    return torch.zeros(layer.out_features) if bias is None else bias.detach().float()


def to_integers(path: Path) -> Path:
    """Write a graph once more, its matrix products dynamic ones of 8-bit integers, a scale per output; return the file.

    Biases, norms, convolutions and products of two activations stay in float32. Weights have 7 bits on a processor that
    needs them to (`secateur.processor.saturates`).
    """
    require_onnx()
    found = path.with_name(f"{path.stem}-int8.onnx")
    with _quiet():
        from onnxruntime.quantization import QuantType, quantize_dynamic  # needs an extra

        quantize_dynamic(
            path,
            found,
            op_types_to_quantize=list(QUANTIZED),
            per_channel=True,
            weight_type=QuantType.QInt8,
            reduce_range=saturates(),
            use_external_data_format=True,
        )
    return found


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """Keep the exporters' own progress, advice and warnings to themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
