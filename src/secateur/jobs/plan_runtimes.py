"""What runtimes make of a model that is planned: whether they take it, and what they gain by what leaves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from secateur.errors import MissingExtraError, ModelError
from secateur.evaluation import OnnxSession, as_linear, dummy_inputs, input_unit
from secateur.jobs.contenders import SHORT, as_floats
from secateur.jobs.measure import MACS
from secateur.onnx_graph import to_onnx


def plan_runtimes(
    model: Any, runtimes: Sequence[str], *, dense: Mapping[str, Any], planned: Mapping[str, Any]
) -> dict[str, Any]:
    """Return runtime -> what it makes of a planned model, which must not be used afterwards.

    ``torch``: `macs_kept`, the share of multiply-accumulates that a forward still takes. ``onnx``, only where it is
    among `runtimes`, since that takes long: whether it `runs` the exported graph, and if not, the `reason`. ``sparse``:
    how many `layers` of how many (`of`) have zeros that kernels leave out; where these are not installed, the `reason`.
    """
    macs = MACS[input_unit(model)]
    found: dict[str, Any] = {"torch": {"macs_kept": planned[macs] / dense[macs]}}
    if "onnx" in runtimes:
        found["onnx"] = _in_onnx(model)
    return {**found, "sparse": _on_sparse_kernels(model)}


def _in_onnx(model: Any) -> dict[str, Any]:
    """Export, and run the graph once."""
    short = as_floats(dummy_inputs(model, length=SHORT[input_unit(model)]), torch.float32)
    with TemporaryDirectory() as folder:
        try:
            graph = to_onnx(as_linear(model), short, Path(folder))
        except ModelError as error:
            return {"runs": False, "reason": str(error)}
        return _run(graph, short)


def _run(graph: Path, inputs: Mapping[str, Tensor]) -> dict[str, Any]:
    try:
        session = OnnxSession(graph, threads=1)
        session(session.feed(inputs))
    except Exception as error:  # the runtime's own have no base of theirs
        return {"runs": False, "reason": str(error).strip().partition("\n")[0] or type(error).__name__}
    return {"runs": True}


def _on_sparse_kernels(model: Any) -> dict[str, Any]:
    try:
        from secateur.runtime.recurrent import open_recurrent  # needs an extra, and says so
    except MissingExtraError as error:
        return {"reason": str(error)}
    from secateur.runtime.candidates import linear, pays

    open_recurrent(model, "int8")
    found = [pays(layer, "int8") for layer in model.modules() if linear(layer)]
    return {"layers": sum(found), "of": len(found)}
