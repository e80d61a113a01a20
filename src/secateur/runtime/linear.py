"""A linear layer whose weight stays packed."""

from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from secateur.checkpoint.packed import PackedWeight
from secateur.errors import RequestError
from secateur.runtime.product import Product, product


@final
class Shared:
    """Arranges tokens for layers that read one tensor in turn, as a module's queries, keys and values do: once for all.

    A layer that asks again gets them arranged anew, and so does any layer after a change that PyTorch has counted (it
    counts none in inference mode).
    """

    def __init__(self) -> None:
        self._tokens: Tensor | None = None
        self._version: int | None = None
        self._served: set[int] = set()

    def __call__(self, tokens: Tensor, by: Product[Any]) -> Any:
        """Return tokens (..., K) as a product wants them."""
        version = None if tokens.is_inference() else tokens._version
        if self._tokens is not tokens or self._version != version or id(by) in self._served:
            self._found = by.arrange(_array(tokens))
            self._tokens, self._version, self._served = tokens, version, set()
        self._served.add(id(by))
        return self._found


def _array(tokens: Tensor) -> npt.NDArray[np.float32]:
    """Return tokens (..., K) as (M, K); what changes nothing is left out: it takes as long as a small product."""
    if tokens.requires_grad:
        tokens = tokens.detach()
    if tokens.dtype != torch.float32:
        tokens = tokens.float()
    return tokens.contiguous().numpy().reshape(-1, tokens.shape[-1])


@final
class SparseLinear(nn.Module):
    """y = x W^T + b with a packed W: see the products in `secateur.runtime.product`.

    For inference on a CPU: there are no gradients, and its weight is not in `state_dict`.
    """

    on_processor = True

    def __init__(self, weight: PackedWeight, bias: Tensor | None = None) -> None:
        """Prepare the product.

        Raises:
            ModelError: There is no kernel for the weight.
        """
        super().__init__()
        self.in_features, self.out_features = weight.layout.columns, weight.layout.rows
        self.encoding, self.dtype = weight.layout.encoding, weight.layout.dtype
        self.product = product(weight, bias)
        self._shared = Shared()

    def share(self, shared: Shared) -> None:
        """Share arranged tokens with layers that read the same, and whose products are of the same kind."""
        self._shared = shared

    def forward(self, tokens: Tensor) -> Tensor:
        """Multiply tokens (..., K).

        Raises:
            RequestError: Gradients are asked for.
        """
        if tokens.requires_grad and torch.is_grad_enabled():
            raise RequestError("an accelerated model has no gradients; train the model before `accelerate`")
        shape = tokens.shape
        found = self.product(self._shared(tokens, self.product), tokens.numel() // self.in_features)
        out = torch.from_numpy(found.reshape(*shape[:-1], self.out_features))
        return out if tokens.dtype == torch.float32 else out.to(tokens.dtype)

    def extra_repr(self) -> str:
        """Say what is printed of the layer."""
        return f"{self.in_features}, {self.out_features}, encoding={self.encoding}, dtype={self.dtype}"


@final
class SparsePointwise(nn.Module):
    """A convolution that reaches no further than one position: a linear layer at each, channels before positions."""

    def __init__(self, linear: SparseLinear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, channels: Tensor) -> Tensor:
        """Multiply (B, C, T)."""
        return self.linear(channels.transpose(1, 2)).transpose(1, 2)
