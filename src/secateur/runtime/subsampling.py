"""The convolutions in front of a FastConformer, in few passes over memory.

PyTorch writes the feature map of every convolution whole, channel by channel, and reads it again for the activation,
the mask and the next convolution: 30 MB for 15 s of audio, whose pages the system maps anew each time. Here channels
lie side by side, and the first three convolutions go together, a few rows of the map at a time, which stay in the
cache.
"""

from typing import Any, Final, NamedTuple, final

import numpy as np
import torch
from numba.core import types
from torch import Tensor, nn
from transformers.models.parakeet.modeling_parakeet import ParakeetEncoderSubsamplingConv2D

from secateur.runtime.compiled import compiled
from secateur.runtime.panels import COLUMNS, ROWS, ROWS_OF, multiply
from secateur.runtime.rooms import Array, Room
from secateur.runtime.rows import multiply as multiply_rows
from secateur.runtime.vectors import LONG, along, constant, intrinsic, load, multiply_add, read, write
from secateur.surgery.put import put

KERNEL: Final = 3
"""Frames and bins that a convolution reaches over; what it does is written out."""

STRIDE: Final = 2

TAPS: Final = KERNEL**2

TOGETHER: Final = 120
"""Places whose channels are mixed at once: 120 KiB at 256 channels."""


@intrinsic
def _filtered(typing: Any, places: Any, weight: Any, bias: Any, out: Any, count: Any) -> Any:
    """Write bias + sum over taps of weight * x for so many channels; the address of each tap's x is in `places`."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        places, weight, bias, out, count = arguments
        near = [load(build, places, LONG, 8 * tap, align=8) for tap in range(TAPS)]
        apart = build.shl(count, constant(2))
        taps = [build.add(weight, build.mul(apart, constant(tap))) for tap in range(TAPS)]

        def step(offset: Any, copy: int, keep: Any) -> None:
            total = read(build, bias, offset, keep)
            for x, tap in zip(near, taps, strict=True):
                total = multiply_add(build, read(build, x, offset, keep), read(build, tap, offset, keep), total)
            write(build, total, out, offset, keep)

        along(build, count, 1, step)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@compiled
def _first_row(x: Any, at: Any, weight: Any, bias: Any, near: Any, out: Any) -> None:
    """Write row `at` of max(0, first convolution) of x (T, M): out (M' and up to `ROWS` more, C)."""
    frames, bins = x.shape
    places, channels = (bins + 1) // 2, out.shape[1]
    for place in range(places):
        for down in range(3):
            for beside in range(3):
                frame, mel = 2 * at + down - 1, 2 * place + beside - 1
                inside = 0 <= frame < frames and 0 <= mel < bins
                near[place, 3 * down + beside] = x[frame, mel] if inside else np.float32(0.0)
    for column in range(0, channels, COLUMNS):
        here, start = weight.ctypes.data + 4 * column, bias.ctypes.data + 4 * column
        for place in range(0, places, ROWS):
            to = out[place].ctypes.data + 4 * column
            one = near[place].ctypes.data
            multiply(ROWS_OF, True, TAPS, one, near.strides[0], here, 4 * channels, start, 0, to, 4 * channels)


@compiled
def _depthwise_row(
    above: Any, here: Any, below: Any, count: Any, nothing: Any, weight: Any, bias: Any, near: Any, out: Any
) -> None:
    """Write a row (M', C) of a convolution of each channel by itself, from three rows of `count` places."""
    channels = out.shape[1]
    for place in range(out.shape[0]):
        for beside in range(3):
            mel = 2 * place + beside - 1
            inside = 0 <= mel < count
            near[beside] = above[mel].ctypes.data if inside else nothing.ctypes.data
            near[3 + beside] = here[mel].ctypes.data if inside else nothing.ctypes.data
            near[6 + beside] = below[mel].ctypes.data if inside else nothing.ctypes.data
        to = out[place].ctypes.data
        _filtered(near.ctypes.data, weight.ctypes.data, bias.ctypes.data, to, channels)


@compiled
def _mix(x: Any, places: Any, panels: Any, bias: Any, out: Any) -> None:
    """Write max(0, x W^T + b) of so many places, and of up to `ROWS` more: x (n, C), out (n, C')."""
    for panel in range(len(panels)):
        weight, start = panels[panel].ctypes.data, bias.ctypes.data + 4 * COLUMNS * panel
        for place in range(0, places, ROWS):
            here, to = x[place].ctypes.data, out[place].ctypes.data + 4 * COLUMNS * panel
            multiply(ROWS_OF, True, x.shape[1], here, x.strides[0], weight, 4 * COLUMNS, start, 0, to, out.strides[0])


@compiled
def first_stage(
    x: Any,
    lengths: Any,
    weight: Any,
    bias: Any,
    weight2: Any,
    bias2: Any,
    panels: Any,
    bias3: Any,
    places: Any,
    out: Any,
) -> None:
    """Write the first three convolutions of x (T, M): out (T' * M' and up to `ROWS` more, C).

    `lengths` are the rows of the first two that are not padding, `places` is M'.
    """
    frames, bins, channels = (x.shape[0] + 1) // 2, (x.shape[1] + 1) // 2, weight.shape[1]
    rows = np.zeros((4, bins + ROWS, channels), np.float32)  # row t lies at t mod 3; the last stays zero
    taps, near = np.zeros((bins + ROWS, TAPS), np.float32), np.zeros(TAPS, np.int64)
    count = max(1, TOGETHER // places)
    filtered = np.zeros((count * places + ROWS, channels), np.float32)
    done, alive = 0, min(lengths[1], (frames + 1) // 2)
    for first in range(0, alive, count):
        last = min(first + count, alive)
        for at in range(first, last):
            while done < min(2 * at + 2, frames):
                if done < lengths[0]:
                    _first_row(x, done, weight, bias, taps, rows[done % 3])
                else:
                    rows[done % 3] = np.float32(0.0)
                done += 1
            above = rows[(2 * at - 1) % 3] if at > 0 else rows[3]
            below = rows[(2 * at + 1) % 3] if 2 * at + 1 < frames else rows[3]
            to = filtered[(at - first) * places : (at - first + 1) * places]
            _depthwise_row(above, rows[2 * at % 3], below, bins, rows[3, 0], weight2, bias2, near, to)
        _mix(filtered, (last - first) * places, panels, bias3, out[first * places :])
    out[alive * places :] = np.float32(0.0)


@compiled
def next_stage(x: Any, length: Any, weight: Any, bias: Any, panels: Any, bias2: Any, places: Any, out: Any) -> None:
    """Write two convolutions more of x (T, M, C): out (T' * M' and up to `ROWS` more, C).

    Rows from `length` on are zero, `places` is M'.
    """
    nothing, near = np.zeros(x.shape[1:], np.float32), np.zeros(TAPS, np.int64)
    count = max(1, TOGETHER // places)
    filtered = np.zeros((count * places + ROWS, x.shape[2]), np.float32)
    alive = min(length, (x.shape[0] + 1) // 2)
    for first in range(0, alive, count):
        last = min(first + count, alive)
        for at in range(first, last):
            above = x[2 * at - 1] if at > 0 else nothing
            below = x[2 * at + 1] if 2 * at + 1 < x.shape[0] else nothing
            to = filtered[(at - first) * places : (at - first + 1) * places]
            _depthwise_row(above, x[2 * at], below, x.shape[1], nothing[0], weight, bias, near, to)
        _mix(filtered, (last - first) * places, panels, bias2, out[first * places :])
    out[alive * places :] = np.float32(0.0)


@compiled
def _beside(x: Any, out: Any) -> None:
    """Write x (T, M, C and more) as (T, C, M)."""
    for frame in range(len(out)):
        for channel in range(out.shape[1]):
            for place in range(out.shape[2]):
                out[frame, channel, place] = x[frame, place, channel]


class Stage(NamedTuple):
    """A convolution of each channel by itself, and one that mixes them; channels are padded to whole panels."""

    weight: Array
    bias: Array
    panels: Array
    """(C' / columns, C, columns)."""

    mixed_bias: Array


def _taps(layer: Any) -> tuple[Array, Array]:
    """Return a convolution's weights (taps, C) and biases."""
    weight = layer.weight.detach().float().flatten(1).T.numpy()
    return _padded(weight), _bias(layer)


def _bias(layer: Any) -> Array:
    bias = torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias.detach().float()
    return _padded(bias.numpy())


def _padded(x: Any) -> Array:
    """Return an array whose last axis is filled up to whole panels with zeros."""
    return np.ascontiguousarray(np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -x.shape[-1] % COLUMNS)]))


def _stage(depthwise: Any, pointwise: Any) -> Stage:
    weight, bias = _taps(depthwise)
    mixing = _padded(pointwise.weight.detach().float()[:, :, 0, 0].T.numpy())
    mixing = np.pad(mixing, [(0, weight.shape[1] - len(mixing)), (0, 0)])
    panels = mixing.reshape(len(mixing), -1, COLUMNS).transpose(1, 0, 2)
    return Stage(weight, bias, np.ascontiguousarray(panels), _bias(pointwise))


def _half(size: int) -> int:
    return (size + 1) // 2


@final
class Subsampling(nn.Module):
    """What `ParakeetEncoderSubsamplingConv2D` does, for inference in float32 on a CPU."""

    def __init__(self, module: Any, room: Room) -> None:
        super().__init__()
        layers = list(module.layers)
        self._first = _taps(layers[0])
        self._stages = [_stage(*pair) for pair in zip(layers[2::3], layers[3::3], strict=True)]
        self._channels = len(layers[-2].weight)
        self.linear = module.linear
        self._room = room

    def forward(self, input_features: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return (B, T', D) of features (B, T, M)."""
        batch, frames, bins = input_features.shape
        counts: list[int] = [frames] * batch
        if attention_mask is not None:
            counts = attention_mask.sum(-1).tolist()
        for _ in range(len(self._stages) + 1):
            frames, bins = _half(frames), _half(bins)
        beside = self._room.take("beside", batch, frames, self._channels, bins)
        features = input_features.detach().float().contiguous().numpy()
        for one, count, out in zip(features, counts, beside, strict=True):
            self._one(one, count, out)
        rows = beside.reshape(batch * frames, -1)
        found = multiply_rows((self.linear,), rows, self._room, name="subsampled")[0]
        return torch.from_numpy(found.reshape(batch, frames, -1).copy())

    def _one(self, x: Array, count: int, out: Array) -> None:
        """Write one utterance (T, M), of which so many frames are no padding: (T', C, M')."""
        length, frames, bins = _half(count), _half(x.shape[0]), _half(x.shape[1])
        hidden = x
        for at, stage in enumerate(self._stages):
            lengths, length = np.array([length, _half(length)]), _half(length)
            frames, bins = _half(frames), _half(bins)
            found = self._room.take(f"stage {at}", frames * bins + ROWS, len(stage.panels) * COLUMNS)
            if at == 0:
                first_stage(hidden, lengths, *self._first, *stage, bins, found)
            else:
                next_stage(hidden, length, *stage, bins, found)
            hidden = found[: frames * bins].reshape(frames, bins, -1)
        _beside(hidden, out)


def replace_subsampling(model: Any, room: Room) -> Any:
    """Replace the front end of a FastConformer in a model, in place, if it is of the usual shape; return the model."""
    for name, module in list(model.named_modules()):
        if _usual(module):
            put(model, name, Subsampling(module, room))
    return model


def _usual(module: nn.Module) -> bool:
    if type(module) is not ParakeetEncoderSubsamplingConv2D:
        return False
    layers = list(module.layers)
    spatial = [layers[0], *layers[2::3]]
    shapes = {(layer.kernel_size, layer.stride, layer.padding) for layer in spatial}
    usual = {((KERNEL, KERNEL), (STRIDE, STRIDE), (KERNEL // 2, KERNEL // 2))}
    return len(spatial) > 1 and shapes == usual and all(layer.groups == layer.out_channels for layer in spatial[1:])
