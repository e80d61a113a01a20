"""A CTC head as what it is: a linear layer, without going round by way of channels first."""

from typing import Any, final

from torch import Tensor, nn
from torch.nn import functional
from transformers.models.parakeet.modeling_parakeet import ParakeetEncoderCTCHead

from secateur.surgery.put import put


@final
class Head(nn.Module):
    """What `ParakeetEncoderCTCHead` does, a convolution over one frame."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.weight, self.bias = module.weight, module.bias

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Return logits (B, T, V) of states (B, T, D)."""
        return functional.linear(hidden_states, self.weight[:, :, 0], self.bias)


def replace_head(model: Any) -> Any:
    """Replace a CTC head in a model, in place; return the model."""
    for name, module in list(model.named_modules()):
        if type(module) is ParakeetEncoderCTCHead and module.kernel_size == (1,):
            put(model, name, Head(module))
    return model
