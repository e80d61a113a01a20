"""A FastConformer's block and its convolution module in fewer passes over memory."""

from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import SiLUActivation
from transformers.models.parakeet.modeling_parakeet import (
    ParakeetEncoderBlock,
    ParakeetEncoderConvolutionModule,
    ParakeetEncoderFeedForward,
)

from secateur.evaluation.dense import linear_from
from secateur.runtime.attention import alive
from secateur.runtime.choice import Chosen
from secateur.runtime.compiled import compiled
from secateur.runtime.linear import SparsePointwise
from secateur.surgery.put import put

Array = npt.NDArray[np.float32]

SILU: Final = SiLUActivation, nn.SiLU

HALF: Final = 0.5
"""What a feed-forward module counts for in a block."""


@compiled
def depthwise(x: Any, weight: Any, bias: Any, out: Any) -> None:
    """Write a convolution of each channel by itself of x (T, C), as long as x: out (T, C); weight (K, C), K odd."""
    frames, reach = x.shape[0], weight.shape[0] // 2
    for at in range(frames):
        row = out[at]
        row[:] = bias
        for tap in range(max(0, reach - at), min(weight.shape[0], frames + reach - at)):
            source, taps = x[at + tap - reach], weight[tap]
            for channel in range(row.size):
                row[channel] += source[channel] * taps[channel]


@final
class Convolution(nn.Module):
    r"""What `ParakeetEncoderConvolutionModule` does, for inference in float32 on a CPU.

    Channels lie side by side throughout, so that both pointwise convolutions are linear layers; the batch norm

    .. math:: y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta

    is part of the depthwise convolution before it.
    """

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.pointwise_conv1, self.pointwise_conv2 = _linear(module.pointwise_conv1), _linear(module.pointwise_conv2)
        layer, norm = module.depthwise_conv, module.norm
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        bias = torch.zeros_like(scale) if layer.bias is None else layer.bias
        self._weight = _array((layer.weight[:, 0] * scale[:, None]).T)
        self._bias = _array((bias - norm.running_mean) * scale + norm.bias)

    def forward(self, hidden_states: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return (B, T, D) of (B, T, D); mask (B, 1, T, T) of what may be looked at."""
        gated = functional.glu(self.pointwise_conv1(hidden_states))
        if attention_mask is not None and not bool((there := alive(attention_mask)).all()):
            gated = gated.masked_fill_(~there[..., None], 0.0)
        out = torch.empty_like(gated)
        for one, written in zip(gated.numpy(), out.numpy(), strict=True):
            depthwise(one, self._weight, self._bias, written)
        return self.pointwise_conv2(functional.silu(out, inplace=True))


def _array(tensor: Tensor) -> Array:
    return tensor.detach().float().contiguous().numpy()


def _linear(layer: Any) -> nn.Module:
    """Return what a pointwise convolution does at every position."""
    if isinstance(layer, SparsePointwise):
        return layer.linear
    if isinstance(layer, Chosen):
        return layer.each(_linear)
    return linear_from(layer.weight[:, :, 0], layer.bias)


@final
class FeedForward(nn.Module):
    """What `ParakeetEncoderFeedForward` does with SiLU, for inference: each activation takes its argument's place."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.linear1, self.linear2 = module.linear1, module.linear2

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Return (..., D) of (..., D)."""
        return self.linear2(functional.silu(self.linear1(hidden_states), inplace=True))


@final
class Block(ParakeetEncoderBlock):
    """What a `ParakeetEncoderBlock` does, for inference: each sum in one pass."""

    def __init__(self, module: Any) -> None:
        nn.Module.__init__(self)
        self.gradient_checkpointing = False
        for name, part in module.named_children():
            setattr(self, name, part)

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        position_embeddings: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Return (B, T, D) of (B, T, D)."""
        hidden = torch.add(hidden_states, self.feed_forward1(self.norm_feed_forward1(hidden_states)), alpha=HALF)
        attended, _ = self.self_attn(
            hidden_states=self.norm_self_att(hidden),
            attention_mask=attention_mask,
            position_embeddings=position_embeddings,
            **kwargs,
        )
        hidden += attended
        hidden += self.conv(self.norm_conv(hidden), attention_mask=attention_mask)
        hidden.add_(self.feed_forward2(self.norm_feed_forward2(hidden)), alpha=HALF)
        return self.norm_out(hidden)


def replace_blocks(model: Any) -> Any:
    """Replace every FastConformer block in a model, and of it what is of the usual kind, in place; return the model."""
    for name, module in list(model.named_modules()):
        if type(module) is ParakeetEncoderBlock:
            block = Block(module)
            for own, part in list(block.named_children()):
                if made := _faster(part):
                    put(block, own, made)
            put(model, name, block)
    return model


def _faster(part: Any) -> nn.Module | None:
    if type(part) is ParakeetEncoderConvolutionModule and type(part.activation) in SILU and _centred(part):
        return Convolution(part)
    if type(part) is ParakeetEncoderFeedForward and type(part.activation) in SILU:
        return FeedForward(part)
    return None


def _centred(part: Any) -> bool:
    return part.depthwise_conv.kernel_size[0] % 2 == 1
