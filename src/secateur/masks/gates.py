"""Soft gates on the units of a model, and the gradients they see."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from secateur.granularity import unit_sums
from secateur.group import Group, Slice
from secateur.masks.apply import broadcast
from secateur.masks.behind import Behind
from secateur.masks.rescaled import Rescaled
from secateur.optimizer_state import average
from secateur.wide import wide


@final
class Gates:
    r"""Multiplies the output of every unit by a gate, without a change to the model's modules.

    What reads a unit's output is linear, so a gate on the output is a factor on the weights that read it:

    .. math:: W' = W \odot \prod_g z_g, \quad \frac{\partial L}{\partial z_u} =
        \sum_{w \in gate(u)} w \frac{\partial L}{\partial w'} \prod_{g \not\ni u} z_g, \quad
        \frac{\partial L}{\partial W} = \frac{\partial L}{\partial W'} \odot \prod_g z_g

    with the product over all sites that gate the same weight: a feed-forward unit and its module. A convolution
    channel is thus gated after its norm and activation, and a gate of 0 equals the unit's removal exactly. `put` writes
    W' into the parameters and keeps W; `take` puts W back and turns the parameters' gradients, after the backward
    pass, into those of W. The cost is that of reading the weights a few times, whatever the batch. A model on
    several processes needs nothing more: its gradients are averaged before `take` sees them.

    A layer is more than its weights (its norm, its residual stream), so its gate blends its output with its input. Its
    gradient is none of a parameter's, and is multiplied by what the trainer has multiplied those by (`Rescaled`).

    Differs: the usual place is a multiplication in the forward, of the activations. The function is the same.
    """

    def __init__(self, model: nn.Module, groups: Sequence[Group]) -> None:
        self._model = model
        self._groups = {group.name: group for group in groups}
        self._places: dict[str, list[tuple[str, Slice]]] = {}
        for group in groups:
            if group.granularity != "layer":
                for where in group.slices:
                    if where.gate:
                        self._places.setdefault(where.tensor, []).append((group.name, where))
        parameters = dict(model.named_parameters())
        self._behind = Behind({tensor: parameters[tensor] for tensor in self._places})
        self._values: Mapping[str, Tensor] = {}
        self._blends = {group.name: Blend(model.get_submodule(group.module)) for group in self._layers()}
        self._rescaled = Rescaled(model)

    @torch.no_grad()
    def put(self, values: Mapping[str, Tensor]) -> None:
        """Gate the units of every site by `values`, site -> (units,) on the model's device."""
        self.release()
        self._values = {site: value.detach() for site, value in values.items()}
        self._behind.show(lambda tensor, weight: _product(weight, [*self._factors(tensor, weight).values()]))
        for site, blend in self._blends.items():
            blend.set(self._values[site])
        if self._blends:
            self._rescaled.watch()

    @torch.no_grad()
    def take(self) -> dict[str, Tensor]:
        """Put the weights back as they are without gates, and return dL/dz per site, shape (units,)."""
        rescaled = self._rescaled.factor() if self._blends else 1.0
        seen: dict[str, dict[str, Tensor]] = {site: {} for site in self._groups}
        parameters = dict(self._model.named_parameters())
        for tensor, raw in self._behind.state().items():
            gradient = parameters[tensor].grad
            if gradient is not None:
                factors = self._factors(tensor, raw)
                for site in factors:
                    others = [factor for other, factor in factors.items() if other != site]
                    seen[site][tensor] = _product(wide(gradient) * raw, others)
                for factor in factors.values():
                    gradient.mul_(factor)
        found = {site: unit_sums(group, seen[site], gate_only=True) for site, group in self._groups.items()}
        found |= {site: rescaled * blend.gradient() for site, blend in self._blends.items()}
        self.release()
        return found

    def release(self) -> None:
        """Put the weights back as they are without gates, and let layers pass."""
        self._behind.hide()
        self._rescaled.stop()
        for blend in self._blends.values():
            blend.remove()

    def fold(self) -> None:
        """Leave the gated weights in place for good; a layer's gate cannot be folded, and goes."""
        self._behind.forget()
        self.release()

    def raw(self) -> dict[str, Tensor]:
        """Return the weights without gates, parameter -> tensor, while gates are on them."""
        return self._behind.state()

    def load(self, raw: Mapping[str, Tensor]) -> None:
        """Take the weights without gates from a state: those in the model are gated."""
        self._behind.restore(raw)
        self._behind.hide()

    def _layers(self) -> list[Group]:
        return [group for group in self._groups.values() if group.granularity == "layer"]

    def _factors(self, tensor: str, weight: Tensor) -> dict[str, Tensor]:
        """Return what multiplies a parameter, site -> a tensor that broadcasts to it."""
        return {
            site: broadcast(self._values[site].to(weight), where, weight.shape) for site, where in self._places[tensor]
        }


@final
class Blend:
    """A gate on a layer: ``input + z * (output - input)``."""

    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer
        self._gate: Tensor | None = None
        self._handle: RemovableHandle | None = None

    def set(self, gate: Tensor) -> None:
        """Blend by `gate`, shape (1,), from now on."""
        self.remove()
        self._gate = gate.clone().requires_grad_()
        self._handle = self._layer.register_forward_hook(self._blend, prepend=True)  # others see what is blended

    def gradient(self) -> Tensor:
        """Return dL/dz as the backward pass gives it, shape (1,), averaged over processes."""
        assert self._gate is not None
        found = torch.zeros_like(self._gate) if self._gate.grad is None else self._gate.grad
        average([found])
        return found

    def remove(self) -> None:
        """Let the layer's output pass."""
        if self._handle is not None:
            self._handle.remove()
        self._handle = None

    def _blend(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> Any:
        assert self._gate is not None
        first = output[0] if isinstance(output, tuple) else output
        mixed = torch.lerp(inputs[0].to(first), first, self._gate.to(first))  # in mixed precision they may differ
        return (mixed, *output[1:]) if isinstance(output, tuple) else mixed


def _product(start: Tensor, factors: Sequence[Tensor]) -> Tensor:
    for factor in factors:
        start = start * factor
    return start
