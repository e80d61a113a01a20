"""A FastConformer block as products with weights, and one pass over memory between any two of them."""

from collections.abc import Callable
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers.activations import SiLUActivation
from transformers.models.parakeet.modeling_parakeet import (
    ParakeetEncoder,
    ParakeetEncoderBlock,
    ParakeetEncoderConvolutionModule,
    ParakeetEncoderFeedForward,
)

from secateur.runtime.activations import silu_in_place
from secateur.runtime.attention import RelativeAttention
from secateur.runtime.gated import gated_filter
from secateur.runtime.norms import add_and_normalize, normalize
from secateur.runtime.positions import shared
from secateur.runtime.rooms import Array, Room
from secateur.runtime.rows import layer_for, multiply
from secateur.runtime.whole import HALF, Stack, stacked, whole_block

SILU: Final = nn.SiLU, SiLUActivation

ALONE: Final = 2
"""Threads up to which a block in one call, on one of them, is faster than its steps, whose products share them: on two,
15 s of audio took 75 against 89 ms (109 M parameters)."""

NORMS: Final = "norm_feed_forward1", "norm_self_att", "norm_conv", "norm_feed_forward2", "norm_out"

Lengths = npt.NDArray[np.int64]


@final
class Places:
    """How many places of each utterance are not padding, found once for all blocks of a forward."""

    def __init__(self) -> None:
        self._mask: Tensor | None = None
        self._served: set[int] = set()

    def __call__(self, mask: Tensor, by: object) -> Lengths | None:
        """Return the lengths that a mask (B, 1, T, T) says; None if it says something else.

        Whoever asks again gets them found anew: another forward may have written to the mask.
        """
        if mask is not self._mask or id(by) in self._served:
            self._found, self._mask, self._served = lengths_of(mask), mask, set()
        self._served.add(id(by))
        return self._found


def lengths_of(mask: Tensor) -> Lengths | None:
    """Return the lengths of utterances of which all first places may look at each other, and no others at any.

    >>> lengths_of(torch.tensor([[[[True, False], [False, False]]]])).tolist()
    [1]
    """
    if mask.dtype != torch.bool or mask.dim() != 4 or mask.shape[1] != 1:
        return None
    kept = mask[:, 0].numpy()
    found = np.array([np.count_nonzero(one.diagonal()) for one in kept], np.int64)
    usual = all(
        one[:length, :length].all() and np.count_nonzero(one) == length**2
        for one, length in zip(kept, found.tolist(), strict=True)
    )
    return found if usual else None


@final
class FastBlock(ParakeetEncoderBlock):
    """What `ParakeetEncoderBlock` does, for inference in float32 on a CPU.

    It is one of these, so that the library records what comes out of it as it does otherwise.
    """

    def __init__(self, block: Any, room: Room, places: Places) -> None:
        nn.Module.__init__(self)
        vars(self).update(vars(block))  # its layers, and hooks that record
        self._room, self._places = room, places
        self._norms = _norms([getattr(block, name) for name in NORMS])
        self._taps = _taps(block.conv)
        self._layers = _layers(self)
        self._stacks: list[tuple[list[Any], Stack | None]] = []
        self._plain = all(isinstance(one.activation, SILU) for one in (block.feed_forward1, block.feed_forward2))

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        position_embeddings: Tensor | None = None,
        **others: Any,
    ) -> Tensor:
        """Return (B, T, D)."""
        lengths = self._lengths(hidden_states, attention_mask)
        if lengths is None or position_embeddings is None or not shared(position_embeddings):
            return super().forward(hidden_states, attention_mask, position_embeddings, **others)
        x = hidden_states.detach().contiguous().numpy().reshape(-1, hidden_states.shape[2])
        out = np.empty_like(x)
        self._forward(x, position_embeddings, lengths, out)
        return torch.from_numpy(out.reshape(hidden_states.shape))

    def _lengths(self, hidden_states: Tensor, mask: Tensor | None) -> Lengths | None:
        if hidden_states.dtype != torch.float32 or not hidden_states.numel():
            return None
        if mask is None:
            return np.full(len(hidden_states), hidden_states.shape[1], np.int64)
        return self._places(mask, self)

    def _forward(self, x: Array, positions: Tensor, lengths: Lengths, out: Array) -> None:
        attention: Any = self.self_attn
        stack = self._stacked(len(x))
        if stack is not None:
            heads = attention.tables(positions, len(x) // len(lengths))
            whole_block(x, lengths, stack, self._norms, self._taps, heads, self._room, out)
            return
        total, normed = self._room.take("total", *x.shape), self._room.take("normed", *x.shape)
        (first, *others), epsilons = self._norms
        norms = [(*weights, epsilon) for weights, epsilon in zip(others, epsilons[1:], strict=True)]
        normalize(x, *first, epsilons[0], normed)
        add_and_normalize(x, self._feed(self.feed_forward1, normed), HALF, *norms[0], total, normed)
        heard = attention.heard(normed, positions, lengths)
        add_and_normalize(total, heard, 1.0, *norms[1], total, normed)
        add_and_normalize(total, self._convolve(normed, lengths), 1.0, *norms[2], total, normed)
        add_and_normalize(total, self._feed(self.feed_forward2, normed), HALF, *norms[3], total, out)

    def _stacked(self, tokens: int) -> Stack | None:
        """Return the block's weights as one, if all that multiply so many tokens are integers in blocks of 16 x 4."""
        if torch.get_num_threads() > ALONE or not self._plain:
            return None
        layers = [layer_for(layer, tokens) for layer in self._layers]
        for known, stack in self._stacks:
            if all(one is other for one, other in zip(known, layers, strict=True)):
                return stack
        self._stacks.append((layers, stacked(layers)))
        return self._stacks[-1][1]

    def _feed(self, module: Any, tokens: Array) -> Array:
        wide = multiply((module.linear1,), tokens, self._room, name="wide")[0]
        if isinstance(module.activation, SILU):
            silu_in_place(wide)
        else:
            wide = module.activation(torch.from_numpy(wide)).numpy()
        return multiply((module.linear2,), wide, self._room, name="narrow")[0]

    def _convolve(self, tokens: Array, lengths: Lengths) -> Array:
        taps, bias = self._taps
        gated = multiply((self.conv.pointwise_conv1,), tokens, self._room, name="wide")[0]
        shape = len(lengths), len(tokens) // len(lengths), taps.shape[1]
        padded = self._room.take("filtered", shape[1] + len(taps) - 1, shape[2])
        out = self._room.take("mixed", *shape)
        gated_filter(gated.reshape(*shape[:2], -1), lengths, taps, bias, padded, out)
        return multiply((self.conv.pointwise_conv2,), out.reshape(len(tokens), -1), self._room, name="narrow")[0]


def _layers(block: Any) -> list[Any]:
    """Return what multiplies, in the order of `whole`."""
    first, second, conv, attention = block.feed_forward1, block.feed_forward2, block.conv, block.self_attn
    asked = attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj
    mixed = conv.pointwise_conv1, conv.pointwise_conv2
    return [first.linear1, first.linear2, *asked, *mixed, second.linear1, second.linear2]


def _norms(layers: list[Any]) -> tuple[Array, npt.NDArray[np.float64]]:
    """Return weights and biases of norms, (n, 2, D), and what is added to their variances."""
    weights = [[layer.weight.detach().numpy(), layer.bias.detach().numpy()] for layer in layers]
    return np.array(weights, np.float32), np.array([layer.eps for layer in layers])


def _taps(module: Any) -> tuple[Array, Array]:
    """Return a depthwise filter (taps, C) and its biases, the batch norm behind it among them."""
    layer, norm = module.depthwise_conv, module.norm
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    bias = 0.0 if layer.bias is None else layer.bias.double()
    taps = layer.weight[:, 0].double() * scale[:, None]
    shift = (bias - norm.running_mean.double()) * scale + norm.bias.double()
    return taps.T.float().detach().contiguous().numpy(), shift.float().detach().numpy()


def replace_blocks(model: Any, room: Room) -> Any:
    """Replace every block of the usual shape of a FastConformer in a model, in place; return the model."""
    for encoder in [module for module in model.modules() if type(module) is ParakeetEncoder]:
        places = Places()
        for at, block in enumerate(encoder.layers):
            if _usual(block):
                encoder.layers[at] = FastBlock(block, room, places)
    return model


def _usual(block: Any) -> bool:
    if type(block) is not ParakeetEncoderBlock or type(block.conv) is not ParakeetEncoderConvolutionModule:
        return False
    attention: Any = block.self_attn
    checks: tuple[Callable[[], bool], ...] = (
        lambda: type(attention) is RelativeAttention,
        lambda: type(block.feed_forward1) is type(block.feed_forward2) is ParakeetEncoderFeedForward,
        lambda: all(_is_norm(getattr(block, name)) for name in NORMS),
        lambda: _is_filter(block.conv),
    )
    return all(check() for check in checks) and _in_float32(block)


def _is_norm(layer: Any) -> bool:
    if type(layer) is not nn.LayerNorm or len(layer.normalized_shape) > 1:
        return False
    weights: tuple[Any, Any] = layer.weight, layer.bias
    return all(one is not None for one in weights)


def _is_filter(module: Any) -> bool:
    layer, norm = module.depthwise_conv, module.norm
    if type(layer) is not nn.Conv1d or type(norm) is not nn.BatchNorm1d or norm.running_var is None:
        return False
    taps = layer.kernel_size[0]
    usual = (layer.stride, layer.dilation, layer.padding, layer.padding_mode) == ((1,), (1,), (taps // 2,), "zeros")
    return usual and taps % 2 == 1 and layer.groups == layer.out_channels and isinstance(module.activation, SILU)


def _in_float32(block: nn.Module) -> bool:
    return all(parameter.dtype == torch.float32 for parameter in block.parameters())
