"""A model whose pruned layers run on sparse kernels."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from secateur.errors import ModelError, RequestError
from secateur.runtime.answers import Question, answers, remember
from secateur.runtime.candidates import Candidate, Values, candidates, linear
from secateur.runtime.choice import DENSE, Choice, Chosen, fastest
from secateur.runtime.linear import Shared, SparseLinear
from secateur.runtime.measure import seconds
from secateur.runtime.recurrent import open_recurrent
from secateur.surgery.put import put

Choose = Literal["measured", "sparse"]

TOKENS: Final = (1, 16, 250)
"""A step of a decoder, some hypotheses at once, and ten seconds of speech at a frame each 40 ms."""

MARK: Final = "_secateur_choices"
"""Attribute of an accelerated model: what was chosen."""


@torch.no_grad()
def accelerate(
    model: Any, *, values: Values = "int8", choose: Choose = "measured", tokens: Sequence[int] = TOKENS
) -> Any:
    """Replace every linear layer whose zeros pay by the fastest there is, in place; return the model.

    Convolutions that reach no further than one position are such layers too, and so are the matrices of LSTMs. `values`
    is what weights become: of ``int8`` they are rounded row by row, and activations token by token. For inference on a
    CPU.

    ``measured``: every kernel that takes fewer bytes than the weights, and the dense layer, are timed once on this
    machine for so many `tokens` at once; where one is not the fastest for all of them, the layer holds several.
    ``sparse``: each layer takes the smallest that there is a kernel for.

    Raises:
        ModelError: The model lies elsewhere, was accelerated before, or has weights that are not finite.
        RequestError: There are no numbers of tokens to choose for.
    """
    _check(model, tokens)
    open_recurrent(model, values)
    layers = {name: layer for name, layer in model.named_modules() if linear(layer)}
    chooser = _measured(tuple(sorted(set(tokens)))) if choose == "measured" else _sparse
    found = {name: chooser(name, layer, values) for name, layer in layers.items()}
    shared: defaultdict[tuple[Any, ...], Shared] = defaultdict(Shared)
    choices: list[Choice] = []
    for name, (held, choice) in found.items():
        parent = name.rpartition(".")[0]
        for candidate in held.values():
            sparse = candidate.linear
            sparse.share(shared[parent, sparse.in_features, *sparse.product.kind])
        put(model, name, _placed(layers[name], held, choice))
        choices.append(choice)
    setattr(model, MARK, tuple(choices))
    return model


def choices(model: nn.Module) -> tuple[Choice, ...]:
    """Return what was chosen for each linear layer of an accelerated model; of any other, nothing."""
    return getattr(model, MARK, ())


Held = tuple[dict[str, Candidate], Choice]


def _sparse(name: str, layer: Any, values: Values) -> Held:
    for kernel, candidate in candidates(name, layer, values):
        return {kernel: candidate}, _choice(name, layer, {1: kernel}, {kernel: candidate})
    return {}, _choice(name, layer, {1: DENSE}, {})


def _measured(counts: tuple[int, ...]) -> Callable[[str, Any, Values], Held]:
    """Return what chooses by answers of earlier measurements, and measures what is not among them."""

    def choose(name: str, layer: Any, values: Values) -> Held:
        known = dict(candidates(name, layer, values))
        if not known:
            return {}, _choice(name, layer, {counts[0]: DENSE}, {})
        taken = _seconds(layer, known, counts)
        kernels = fastest(taken)
        held = {kernel: candidate for kernel, candidate in known.items() if kernel in kernels.values()}
        return held, replace(_choice(name, layer, kernels, held), seconds=taken)

    return choose


def _seconds(layer: Any, known: Mapping[str, Candidate], counts: Sequence[int]) -> dict[str, dict[int, float]]:
    rows, columns = _shape(layer)
    threads = torch.get_num_threads()
    had = answers(threads)
    called: dict[str, Callable[[Tensor], Any]] = {DENSE: layer, **{name: one.layer for name, one in known.items()}}
    skipped = {DENSE: 0.0, **{name: one.skipped for name, one in known.items()}}
    found: dict[str, dict[int, float]] = {name: {} for name in called}
    for count in counts:
        asked = {name: str(Question(name, rows, columns, skipped[name], count)) for name in called}
        if not had.keys() >= set(asked.values()):
            fresh = seconds(called, _tokens(layer, count, columns))
            remember({asked[name]: taken for name, taken in fresh.items()}, threads)
            had |= {asked[name]: taken for name, taken in fresh.items()}
        for name, question in asked.items():
            found[name][count] = had[question]
    return found


def _tokens(layer: nn.Module, count: int, columns: int) -> Tensor:
    tokens = torch.randn(count, columns, generator=torch.Generator().manual_seed(0))
    return tokens.t()[None].contiguous() if isinstance(layer, nn.Conv1d) else tokens


def _choice(name: str, layer: Any, kernels: Mapping[int, str], held: Mapping[str, Candidate]) -> Choice:
    nbytes = sum(candidate.nbytes for candidate in held.values())
    dense = layer.weight.nbytes if DENSE in kernels.values() else 0
    zeros = 1.0 - int(torch.count_nonzero(layer.weight)) / layer.weight.numel()
    return Choice(
        layer=name, shape=_shape(layer), zeros=zeros, kernels=dict(kernels), seconds={}, nbytes=nbytes + dense
    )


def _shape(layer: Any) -> tuple[int, int]:
    rows, columns = layer.weight.shape[:2]
    return (columns, rows) if isinstance(layer, Conv1D) else (rows, columns)


def _placed(layer: nn.Module, held: Mapping[str, Candidate], choice: Choice) -> nn.Module:
    """Return what takes a layer's place: itself, a sparse one, or one of several by the number of tokens."""
    modules: dict[str, nn.Module] = {kernel: candidate.layer for kernel, candidate in held.items()}
    if DENSE in choice.kernels.values():
        modules[DENSE] = layer
    if len(modules) == 1:
        return next(iter(modules.values()))
    return Chosen(modules, choice.kernels, in_features=choice.shape[1])


def _check(model: nn.Module, tokens: Sequence[int]) -> None:
    if not tokens or min(tokens) < 1:
        raise RequestError(f"`tokens` must be one or more numbers of at least 1, but is {list(tokens)}")
    if hasattr(model, MARK) or any(isinstance(module, SparseLinear) for module in model.modules()):
        raise ModelError("the model must not be accelerated twice, but has sparse layers already; use it as it is")
    devices = {parameter.device.type for parameter in model.parameters()} - {"cpu"}
    if devices:
        raise ModelError(f"a model to accelerate must lie on the CPU, but lies on {', '.join(devices)}; move it there")
