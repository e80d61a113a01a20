"""Which runtimes take a model that has not been trained yet, and what they gain by what leaves."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from secateur.errors import MissingExtraError, ModelError
from secateur.evaluation import as_linear, dummy_inputs, input_unit
from secateur.jobs.contenders import SHORT
from secateur.onnx_graph import to_onnx

MULTIPLY_ACCUMULATES = "macs_per_audio_second", "macs_per_token"


def takers(model: Any, runtimes: Sequence[str], *, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return runtime -> what it makes of a planned model; the model is used up.

    ``torch``: `macs`, the share of multiply-accumulates that a forward still takes. ``onnx``, only where it is among
    `runtimes`, since exporting takes long: whether it `exports`, and why not, the `reason`. ``sparse``: how many
    `layers` of how many (`of`) have zeros that kernels leave out; where these are not installed, the `reason`.
    """
    found: dict[str, Any] = {"torch": {"macs": _share(before, after)}}
    if "onnx" in runtimes:
        found["onnx"] = _exported(model)
    return {**found, "sparse": _accelerated(model)}


def _share(before: dict[str, Any], after: dict[str, Any]) -> float:
    [name] = before.keys() & set(MULTIPLY_ACCUMULATES)
    return after[name] / before[name]


def _exported(model: Any) -> dict[str, Any]:
    short = dummy_inputs(model, length=SHORT[input_unit(model)])
    try:
        with TemporaryDirectory() as folder:
            to_onnx(as_linear(model), short, Path(folder))
    except ModelError as error:
        return {"exports": False, "reason": str(error)}
    return {"exports": True}


def _accelerated(model: Any) -> dict[str, Any]:
    try:
        kernels = _kernels()
    except MissingExtraError as error:
        return {"reason": str(error)}
    chosen = kernels.choices(kernels.accelerate(model.float().eval(), choose="sparse"))
    return {"layers": sum(one.sparse for one in chosen), "of": len(chosen)}


def _kernels() -> ModuleType:
    from secateur import runtime  # needs an extra, and says so

    return runtime
