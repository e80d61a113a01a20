"""The forms in which runtimes run a model, to be timed side by side."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, cast, final, get_args

import numpy as np
import torch
from torch import Tensor, nn

from secateur.errors import ModelError, RequestError
from secateur.evaluation import (
    OnnxSession,
    Weights,
    as_linear,
    bytes_read,
    dense,
    dummy_inputs,
    input_unit,
    threads_limited_to,
    usable_weights,
)
from secateur.families import is_transducer
from secateur.onnx_graph import linear_layers_to_onnx, require_onnx, to_integers, to_onnx

Runtime = Literal["torch", "onnx", "sparse"]

Forward = Callable[[], object]

Inputs = Mapping[str, Tensor]

UTTERANCE: Final = 50, 200
"""What kernels of an encoder are chosen for: frames of 4 and of 16 s."""

SHORT: Final = {"audio_second": 2.0, "token": 8}
"""Length of what a graph is traced with."""


@final
@dataclass(frozen=True)
class Contender:
    """A form of a model, or of a stack of its layers."""

    runtime: Runtime
    weights: Weights
    nbytes: int
    """Of weights that a forward reads."""

    prepare: Callable[[Inputs, int], Forward]
    """Inputs and threads -> a forward."""

    sparse_layers: int | None = None
    """How many layers run on sparse kernels, where any may."""

    model: Any = None
    """What runs in PyTorch, where something does as a whole."""

    chosen: Callable[[int], "Contender"] | None = None
    """Threads -> the form that is run on so many, where that is another: its bytes and layers are others, too."""

    def at(self, threads: int) -> "Contender":
        """Return the form that is run on so many threads."""
        return self if self.chosen is None else self.chosen(threads)

    @property
    def name(self) -> str:
        """Name it in tables."""
        return f"{self.runtime} {self.weights}"


def contenders(model: Any, runtimes: Sequence[str], folder: Path) -> list[Contender]:
    """Return a model's forms: always PyTorch's dense ones, which others are compared with, too; graphs go to `folder`.

    Raises:
        MissingExtraError: A runtime is missing.
        ModelError: The model cannot be exported, or accelerated.
    """
    found = [_in_torch(model, weights) for weights in usable_weights()]
    if "onnx" in runtimes:
        short = as_floats(dummy_inputs(model, length=SHORT[input_unit(model)]), torch.float32)
        graph = to_integers(to_onnx(as_linear(model), short, folder))
        found.append(_in_onnx(graph, bytes_read(model, "int8")))
    if "sparse" in runtimes:
        found.append(_sparse(model))
    return found


def check_runtimes(runtimes: Sequence[str]) -> None:
    """Make sure that runtimes are known and installed.

    Raises:
        RequestError: There is no such runtime.
        MissingExtraError: One is not installed.
    """
    unknown = set(runtimes) - set(get_args(Runtime))
    if unknown:
        raise RequestError(f"`--runtime` must be one of {', '.join(get_args(Runtime))}, but is {min(unknown)!r:.40}")
    if "onnx" in runtimes:
        require_onnx()
    if "sparse" in runtimes:
        from secateur.runtime import accelerate  # needs an extra, and says so

        assert accelerate


def _in_torch(model: Any, weights: Weights) -> Contender:
    made = dense(model, weights)

    def prepare(inputs: Inputs, threads: int) -> Forward:
        cast_inputs = as_floats(inputs, torch.bfloat16 if weights == "bf16" else torch.float32)
        return lambda: made(**cast_inputs)

    return Contender("torch", weights, bytes_read(model, weights), prepare, model=made)


def as_floats(inputs: Inputs, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return inputs whose floating point numbers are of a type."""
    return {name: one.to(dtype) if one.is_floating_point() else one for name, one in inputs.items()}


def _in_onnx(graph: Path, nbytes: int) -> Contender:
    sessions: dict[int, OnnxSession] = {}

    def prepare(inputs: Inputs, threads: int) -> Forward:
        if threads not in sessions:
            sessions[threads] = OnnxSession(graph, threads=threads)
        session = sessions[threads]
        feed = session.feed(as_floats(inputs, torch.float32))
        return lambda: session(feed)

    return Contender("onnx", "int8", nbytes, prepare)


def _sparse(model: Any) -> Contender:
    """Return a model on sparse kernels, chosen for every number of threads by itself."""
    made: dict[int, Contender] = {}

    def chosen(threads: int) -> Contender:
        if threads not in made:
            with threads_limited_to(threads):
                one = _on_sparse_kernels(copy.deepcopy(model))
            made[threads] = Contender("sparse", "int8", sparse_bytes(one), prepare, sparse_layers(one), one)
        return made[threads]

    def prepare(inputs: Inputs, threads: int) -> Forward:
        one = chosen(threads).model
        return lambda: one(**as_floats(inputs, torch.float32))

    return replace(chosen(1), chosen=chosen)


def accelerated(model: Any, name: str) -> Any:
    """Return a model on sparse kernels wherever there is one, fast or not: what is judged must not hang on the clock.

    Raises:
        MissingExtraError: The runtime is missing.
        ModelError: No layer of the model has zeros that pay, so that nothing else than PyTorch would be measured.
    """
    made = _on_sparse_kernels(model, choose="sparse")
    if not sparse_layers(made):
        raise ModelError(
            f"`--runtime sparse` must be for a model with zeros that pay, but no layer of `{name}` has enough; leave "
            f"it out, or prune blocks, patterns or single weights first"
        )
    return made


def _on_sparse_kernels(model: Any, choose: Literal["measured", "sparse"] = "measured") -> Any:
    from secateur.runtime import accelerate  # needs an extra
    from secateur.runtime.rest import accelerate_rest

    return accelerate_rest(accelerate(model.float().eval(), choose=choose, tokens=_tokens(model)))


def _tokens(model: Any) -> tuple[int, ...]:
    """Return how many tokens come at once; an encoder without a decoder never gets a single one."""
    from secateur.runtime.accelerate import TOKENS  # needs an extra

    hears = input_unit(model) == "audio_second"
    return UTTERANCE if hears and not is_transducer(model) else TOKENS


def sparse_layers(model: nn.Module) -> int:
    """Count the layers that run on sparse kernels."""
    from secateur.runtime import SparseLinear  # needs an extra

    return sum(isinstance(layer, SparseLinear) for layer in model.modules())


def sparse_bytes(model: nn.Module) -> int:
    """Return how many bytes of weights an accelerated model reads: arrays of its products, and what is dense."""
    from secateur.runtime import SparseLinear  # needs an extra

    products = [vars(layer.product).values() for layer in model.modules() if isinstance(layer, SparseLinear)]
    arrays = (value for values in products for value in values if isinstance(value, np.ndarray))
    return sum(cast("np.ndarray[Any, Any]", array).nbytes for array in arrays) + bytes_read(model, "fp32")


def stacked(layers: Sequence[nn.Linear], runtimes: Sequence[str], folder: Path) -> list[Contender]:
    """Return the forms of linear layers of one shape, run one after the other on the same tokens ``{"tokens": ...}``.

    Each layer rounds its activations by itself, in every form.
    """
    found = [_stack("torch", weights, [dense(nn.Sequential(layer), weights) for layer in layers], layers)
             for weights in usable_weights()]  # fmt: skip
    if "onnx" in runtimes:
        graph = to_integers(linear_layers_to_onnx(layers, folder / "layers.onnx"))
        found.append(_onnx_stack(graph, layers))
    if "sparse" in runtimes:
        found.append(_sparse_stack(layers))
    return found


def _stack(runtime: Runtime, weights: Weights, made: Sequence[nn.Module], layers: Sequence[nn.Linear]) -> Contender:
    def prepare(inputs: Inputs, threads: int) -> Forward:
        tokens = as_floats(inputs, torch.bfloat16 if weights == "bf16" else torch.float32)["tokens"]
        return lambda: [layer(tokens) for layer in made]

    return Contender(runtime, weights, sum(bytes_read(layer, weights) for layer in layers), prepare)


def _onnx_stack(graph: Path, layers: Sequence[nn.Linear]) -> Contender:
    one = _in_onnx(graph, sum(bytes_read(nn.Sequential(layer), "int8") for layer in layers))

    def prepare(inputs: Inputs, threads: int) -> Forward:
        return one.prepare({f"x{at}": inputs["tokens"] for at in range(len(layers))}, threads)

    return Contender(one.runtime, one.weights, one.nbytes, prepare)


def _sparse_stack(layers: Sequence[nn.Linear]) -> Contender:
    from secateur.runtime import accelerate  # needs an extra

    made = [accelerate(nn.Sequential(copy.deepcopy(layer)).float().eval(), choose="sparse") for layer in layers]

    def prepare(inputs: Inputs, threads: int) -> Forward:
        tokens = inputs["tokens"].float()
        return lambda: [layer(tokens) for layer in made]

    return Contender("sparse", "int8", sum(map(sparse_bytes, made)), prepare, sum(map(sparse_layers, made)))
