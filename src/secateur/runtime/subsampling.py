"""The convolutions in front of a FastConformer, in few passes over memory.

PyTorch writes the feature map of the first convolution whole, channel by channel, and reads it again for the
activation, the mask and the next convolution: 30 MB for 15 s of audio, whose pages the system maps anew each time. Here
channels lie side by side, and the first two convolutions go together, three rows of the map at a time.
"""

from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers.models.parakeet.modeling_parakeet import ParakeetEncoderSubsamplingConv2D

from secateur.evaluation.dense import linear_from
from secateur.runtime.compiled import compiled
from secateur.surgery.put import put

Array = npt.NDArray[np.float32]

KERNEL: Final = 3
"""Frames and bins that a convolution reaches over; what it does is written out."""

STRIDE: Final = 2


@compiled
def _first_row(x: Any, at: Any, weight: Any, bias: Any, alive: Any, out: Any) -> None:
    """Write row `at` of max(0, first convolution) of x (T, M): out (M', C); zeros for a row that is not `alive`."""
    frames, bins = x.shape
    for place in range(out.shape[0]):
        row = out[place]
        if not alive:
            row[:] = np.float32(0.0)
            continue
        near = np.zeros(9, np.float32)
        for down in range(3):
            for beside in range(3):
                frame, mel = 2 * at + down - 1, 2 * place + beside - 1
                if 0 <= frame < frames and 0 <= mel < bins:
                    near[3 * down + beside] = x[frame, mel]
        a, b, c, d, e, f, g, h, i = near
        for channel in range(row.size):
            total = (
                bias[channel]
                + (a * weight[0, channel] + b * weight[1, channel] + c * weight[2, channel])
                + (d * weight[3, channel] + e * weight[4, channel] + f * weight[5, channel])
                + (g * weight[6, channel] + h * weight[7, channel] + i * weight[8, channel])
            )
            row[channel] = np.float32(0.0) if total < 0 else total  # what is not a number stays so


@compiled
def _depthwise_row(above: Any, here: Any, below: Any, weight: Any, bias: Any, out: Any) -> None:
    """Write a row (M', C) of a convolution of each channel by itself, from three rows (M, C)."""
    places = here.shape[0]
    for place in range(out.shape[0]):
        row = out[place]
        row[:] = bias
        for beside in range(3):
            mel = 2 * place + beside - 1
            if 0 <= mel < places:
                top, middle, bottom = above[mel], here[mel], below[mel]
                first, second, third = weight[beside], weight[3 + beside], weight[6 + beside]
                for channel in range(row.size):
                    row[channel] += (
                        top[channel] * first[channel]
                        + middle[channel] * second[channel]
                        + bottom[channel] * third[channel]
                    )


@compiled
def first_two(x: Any, lengths: Any, weight: Any, bias: Any, weight2: Any, bias2: Any, out: Any) -> None:
    """Write both convolutions of x (T, M): out (T', M', C). `lengths`: rows of either that are not padding."""
    frames, bins = (x.shape[0] + 1) // 2, (x.shape[1] + 1) // 2
    rows = np.zeros((4, bins, weight.shape[1]), np.float32)  # row t lies at t mod 3; the last stays zero
    done = 0
    for at in range(out.shape[0]):
        if at >= lengths[1]:
            out[at] = np.float32(0.0)
            continue
        while done < min(2 * at + 2, frames):
            _first_row(x, done, weight, bias, done < lengths[0], rows[done % 3])
            done += 1
        above = rows[(2 * at - 1) % 3] if at > 0 else rows[3]
        below = rows[(2 * at + 1) % 3] if 2 * at + 1 < frames else rows[3]
        _depthwise_row(above, rows[2 * at % 3], below, weight2, bias2, out[at])


@compiled
def depthwise(x: Any, length: Any, weight: Any, bias: Any, out: Any) -> None:
    """Write a convolution of each channel by itself of x (T, M, C): out (T', M', C); rows from `length` on are zero."""
    nothing = np.zeros(x.shape[1:], np.float32)
    for at in range(out.shape[0]):
        if at >= length:
            out[at] = np.float32(0.0)
            continue
        above = x[2 * at - 1] if at > 0 else nothing
        below = x[2 * at + 1] if 2 * at + 1 < x.shape[0] else nothing
        _depthwise_row(above, x[2 * at], below, weight, bias, out[at])


def _taps(layer: Any) -> tuple[Array, Array]:
    """Return a convolution's weights (taps, C) and biases."""
    weight = layer.weight.detach().float().flatten(1).T.contiguous().numpy()
    bias = torch.zeros(len(layer.weight)) if layer.bias is None else layer.bias.detach().float()
    return weight, bias.contiguous().numpy()


def _half(size: int) -> int:
    return (size + 1) // 2


@final
class Subsampling(nn.Module):
    """What `ParakeetEncoderSubsamplingConv2D` does, for inference in float32 on a CPU."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        layers = list(module.layers)
        self._first = _taps(layers[0])
        self._depthwise = [_taps(layer) for layer in layers[2::3]]
        self.pointwise = nn.ModuleList(linear_from(layer.weight[:, :, 0, 0], layer.bias) for layer in layers[3::3])
        self.linear = module.linear

    def forward(self, input_features: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return (B, T', D) of features (B, T, M)."""
        counts: list[int] = [input_features.shape[1]] * len(input_features)
        if attention_mask is not None:
            counts = attention_mask.sum(-1).tolist()
        features = input_features.detach().float().contiguous().numpy()
        found = [self._one(one, count) for one, count in zip(features, counts, strict=True)]
        return self.linear(torch.stack(found) if len(found) > 1 else found[0][None])

    def _one(self, x: Array, count: int) -> Tensor:
        """Return (T', C * M') of one utterance (T, M), of which so many frames are no padding."""
        channels = self._first[0].shape[1]
        shape = _half(_half(x.shape[0])), _half(_half(x.shape[1]))
        lengths = _half(count), _half(_half(count))
        out = np.empty((*shape, channels), np.float32)
        first_two(x, np.array(lengths), *self._first, *self._depthwise[0], out)
        hidden = self._mixed(0, out, lengths[1])
        length = lengths[1]
        for at, taps in enumerate(self._depthwise[1:], start=1):
            length = _half(length)
            out = np.empty((_half(hidden.shape[0]), _half(hidden.shape[1]), channels), np.float32)
            depthwise(hidden.numpy(), length, *taps, out)
            hidden = self._mixed(at, out, length)
        return hidden.transpose(1, 2).reshape(hidden.shape[0], -1)

    def _mixed(self, at: int, out: Array, length: int) -> Tensor:
        """Return max(0, pointwise convolution) of (T, M, C); rows from `length` on are zero."""
        hidden = self.pointwise[at](torch.from_numpy(out)).detach().relu_()
        hidden[length:] = 0
        return hidden.contiguous()


def replace_subsampling(model: Any) -> Any:
    """Replace the front end of a FastConformer in a model, in place, if it is of the usual shape; return the model."""
    for name, module in list(model.named_modules()):
        if _usual(module):
            put(model, name, Subsampling(module))
    return model


def _usual(module: nn.Module) -> bool:
    if type(module) is not ParakeetEncoderSubsamplingConv2D:
        return False
    layers = list(module.layers)
    spatial = [layers[0], *layers[2::3]]
    shapes = {(layer.kernel_size, layer.stride, layer.padding) for layer in spatial}
    usual = {((KERNEL, KERNEL), (STRIDE, STRIDE), (KERNEL // 2, KERNEL // 2))}
    return len(spatial) > 1 and shapes == usual and all(layer.groups == layer.out_channels for layer in spatial[1:])
