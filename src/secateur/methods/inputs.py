"""How large the inputs of layers are."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, distributed, nn
from torch.nn.utils.rnn import PackedSequence, unpack_sequence
from transformers.pytorch_utils import Conv1D

from secateur.methods.recurrent import recurrent_inputs

LEAST_HALF = 256
"""How many inputs a half has at least: of fewer, more calls cost more than they save."""


def energies(inputs: Tensor) -> Tensor:
    """Sum the squares of inputs (N, in): shape (in,)."""
    return inputs.square().sum(0)


def moments(inputs: Tensor) -> Tensor:
    """Sum the outer products of inputs (N, in) with themselves: shape (in, in).

    It is symmetric, so of many inputs only what lies on one side of the diagonal is computed, halves of halves.
    """
    half = inputs.shape[1] // 2
    if half < LEAST_HALF:
        return inputs.T @ inputs
    one, other = inputs[:, :half], inputs[:, half:]
    across = one.T @ other
    return torch.cat([torch.cat([moments(one), across], 1), torch.cat([across.T, moments(other)], 1)])


@final
class InputMeans:
    """Means of a statistic of what layers' weights multiply, over all positions of the forwards since last taken.

    Forwards without gradients, such as those of a validation, are passed over. On several processes the means are over
    all of them.
    """

    def __init__(self, model: nn.Module, tensors: Iterable[str], *, of: Callable[[Tensor], Tensor] = energies) -> None:
        """`tensors` are dotted names of weights; those of other than linear layers and convolutions are passed over.

        `of` sums the statistic over positions, (N, in) -> any shape.
        """
        self._of = of
        owners = {tensor: tensor.rpartition(".")[0] for tensor in tensors}
        self._layers = {
            tensor: layer
            for tensor, name in owners.items()
            if isinstance(layer := model.get_submodule(name), LAYERS) and tensor.rpartition(".")[2].startswith("weight")
        }
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        listened = {owners[tensor]: layer for tensor, layer in self._layers.items()}
        self._handles = [
            layer.register_forward_pre_hook(partial(self._listen, name), with_kwargs=True)
            for name, layer in listened.items()
        ]

    def take(self) -> dict[str, Tensor]:
        """Return tensor name -> mean, and begin anew."""
        found = {name: self._mean(name) for name in sorted(self._sums)}
        self._sums, self._counts = {}, {}
        return found

    def take_for_weights(self) -> dict[str, Tensor]:
        """Return tensor name -> mean per input, of a shape that goes with the weight's; and begin anew."""
        return {name: _for_weight(self._layers[name], mean) for name, mean in self.take().items()}

    def remove(self) -> None:
        """Take the hooks off."""
        for handle in self._handles:
            handle.remove()

    def _listen(self, name: str, layer: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        if torch.is_grad_enabled():
            given = inputs[0] if inputs else next(iter(named.values()))
            for seen in unpack_sequence(given) if isinstance(given, PackedSequence) else (given,):
                self._add(name, layer, seen.detach().float())

    def _add(self, name: str, layer: nn.Module, seen: Tensor) -> None:
        with torch.autocast(seen.device.type, enabled=False):  # what is summed needs all of its digits
            for weight, rows in _multiplied(layer, seen):
                tensor = f"{name}.{weight}" if name else weight
                if tensor in self._layers:
                    self._sums[tensor] = self._sums.get(tensor, 0.0) + self._of(rows)
                    self._counts[tensor] = self._counts.get(tensor, 0) + len(rows)

    def _mean(self, tensor: str) -> Tensor:
        mean = self._sums[tensor] / self._counts[tensor]
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(mean)
            mean /= distributed.get_world_size()
        return mean


LAYERS = (nn.Linear, Conv1D, nn.Conv1d, nn.Conv2d, nn.LSTM)
"""Layers whose weights multiply their input, or with it a state that can be had."""


def _multiplied(layer: nn.Module, inputs: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Give each weight's name and what it multiplies, position by position: (N, in)."""
    if isinstance(layer, nn.LSTM):
        for weight, seen in recurrent_inputs(layer, inputs):
            yield weight, seen.flatten(0, -2)
    else:
        yield "weight", inputs.movedim(_features(layer, inputs), -1).flatten(0, -2)


def _features(layer: nn.Module, inputs: Tensor) -> int:
    """Return the axis of a layer's input that its weights tell apart.

    A class derived from a convolution may take its features last, as Parakeet's output layer does.
    """
    if not isinstance(layer, nn.Conv1d | nn.Conv2d):
        return -1
    derived = type(layer) not in (nn.Conv1d, nn.Conv2d)
    return -1 if derived and inputs.shape[-1] == layer.in_channels else -1 - len(layer.kernel_size)


def _for_weight(layer: Any, mean: Tensor) -> Tensor:
    """Shape the mean squares of features like the weight: (out, in), (in, out), or (out, in / groups, ...)."""
    if isinstance(layer, Conv1D):
        return mean[:, None]
    if isinstance(layer, nn.Linear | nn.LSTM):
        return mean[None]
    by_group = mean.reshape(layer.groups, -1).repeat_interleave(layer.out_channels // layer.groups, dim=0)
    return by_group.reshape(*by_group.shape, *(1 for _ in layer.kernel_size))
