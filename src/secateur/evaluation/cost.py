"""What a model weighs and what it computes: parameters, bytes on disk, multiply-accumulates (MACs)."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel

from secateur.errors import ModelError
from secateur.evaluation.inputs import dummy_inputs, input_unit, reference_length

FLOPS_PER_MAC = 2
"""One multiplication and one addition."""


def parameters(model: nn.Module) -> int:
    """How many weights the model has; a tensor shared by several modules counts once.

    >>> parameters(nn.Linear(3, 2))
    8
    >>> parameters(nn.ReLU())
    0
    """
    return sum(weight.numel() for weight in model.parameters())


def nonzero_parameters(model: nn.Module) -> int:
    """How many weights are not exactly zero; a shared tensor counts once.

    >>> layer = nn.Linear(3, 2, bias=False).requires_grad_(False)
    >>> layer.weight.copy_(torch.eye(2, 3)) is layer.weight, nonzero_parameters(layer)
    (True, 2)
    """
    return sum(int(torch.count_nonzero(weight)) for weight in model.parameters())


def embedding_parameters(model: nn.Module) -> int:
    """How many of the weights are rows that are looked up, not multiplied: tokens and positions.

    Where the output layer shares them, they are multiplied too, and counted here all the same.

    >>> embedding_parameters(nn.Sequential(nn.Embedding(7, 3), nn.Linear(3, 7)))
    21
    """
    tables = {module.weight for module in model.modules() if isinstance(module, nn.Embedding)}
    return sum(table.numel() for table in tables)


def weight_bytes(folder: str | Path) -> int:
    """Bytes of all ``*.safetensors`` files in a model folder: what lies on disk, headers included.

    Raises:
        ModelError: when there is none.
    """
    files = sorted(Path(folder).glob("*.safetensors"))
    if not files:
        raise ModelError(
            f"`{folder}` must be a model folder, but holds no *.safetensors file; save the model there first"
        )
    return sum(file.stat().st_size for file in files)


def macs(model: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, int]:
    """MACs of one forward in eval mode, per module name and everything below it; ``""`` is the whole model.

    Counted are matrix products, attention, convolutions (grouped ones by their groups) and recurrent layers: half of
    what `torch.utils.flop_counter` counts. Norms, activations and softmax are not. A module that computes none of
    these has 0; a module registered under several names is counted under one of them.

    The forward runs on a copy whose tensors live on the `meta` device: no memory, no arithmetic, and `model` is not
    touched. There attention and LSTMs decompose into counted matrix products, where the CPU's fused kernels count
    as 0. The ``attention_mask`` of a `transformers` model is left out: padded frames are computed all the same,
    and some models read the mask's values, which meta tensors have not.

    Raises:
        ModelError: when the forward fails on shapes alone, because they do not fit or it reads values.

    >>> macs(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), {"input": torch.ones(5, 3)})
    {'': 30, '0': 30, '1': 0}
    """
    imitation = _on_meta(model)
    if isinstance(model, PreTrainedModel):
        inputs = {name: value for name, value in inputs.items() if name != "attention_mask"}
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        try:
            imitation(**{name: value.to("meta") for name, value in inputs.items()})
        except RuntimeError as error:
            raise ModelError(f"{type(model).__name__} cannot be counted from shapes alone: {error}") from error
    counted = dict(_by_module(counter, root=type(imitation).__name__))
    return {name: _sum(counted, name=name, module=module) for name, module in model.named_modules()}


def macs_per_unit(model: PreTrainedModel, *, length: float | None = None) -> float:
    """MACs of the whole model on one input, divided by its length: per second of audio, or per token of text.

    Self-attention grows with the square of the length, so only numbers at the same `length` compare; `None` is
    `reference_length`.

    Raises:
        RequestError: when `length` gives no input at all.
        ModelError: when the model's cost is not a matter of it; see `dummy_inputs`.
    """
    length = reference_length(model) if length is None else length
    return macs(model, dummy_inputs(model, length=length, device="meta"))[""] / length


def _on_meta(model: nn.Module) -> nn.Module:
    # deepcopy looks each object up in its memo first: told that every tensor is already copied, to `meta`, it copies
    # the structure only. Configs are copied too, so the switch to eager attention stays in the copy.
    imitation = copy.deepcopy(model, {id(tensor): _shape_of(tensor) for tensor in _tensors(model)}).eval()
    if isinstance(imitation, PreTrainedModel):
        # Eager attention is plain matrix products; a flash kernel would refuse meta tensors.
        imitation.set_attn_implementation("eager")
        if input_unit(imitation) == "token":
            # Else it looks for padding and packed sentences among tokens that have no values.
            imitation.config.pad_token_id, imitation.config.use_cache = None, True
    return imitation


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    """Parameters, buffers, and tensors kept as plain attributes."""
    yield from model.parameters()
    yield from model.buffers()
    for module in model.modules():
        yield from (value for value in vars(module).values() if isinstance(value, Tensor))


def _shape_of(tensor: Tensor) -> Tensor:
    empty = torch.empty_like(tensor, device="meta", requires_grad=False)
    return nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty


def _by_module(counter: FlopCounterMode, *, root: str) -> Iterator[tuple[str, int]]:
    """The counter's "ParakeetForCTC.encoder" is our "encoder", its "Global" our "" (there even without a submodule)."""
    for name, flops in counter.get_flop_counts().items():
        if name == "Global":
            yield "", sum(flops.values()) // FLOPS_PER_MAC
        elif name != root:
            yield name.removeprefix(f"{root}."), sum(flops.values()) // FLOPS_PER_MAC


def _sum(counted: Mapping[str, int], *, name: str, module: nn.Module) -> int:
    # A ModuleList is never called, so the counter does not know it: it has what its children have.
    if name in counted:
        return counted[name]
    prefix = f"{name}." if name else ""
    return sum(_sum(counted, name=f"{prefix}{child}", module=below) for child, below in module.named_children())
