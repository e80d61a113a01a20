"""What the matrices of a recurrent layer multiply."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn


@torch.no_grad()
def recurrent_inputs(lstm: nn.LSTM, speech: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Give name and input (T, B, in) of every matrix of an LSTM that reads `speech` from a state of zeros.

    The layer computes all of its layers in one call, so they are computed again here, one by one, without the dropout
    between them, in the precision of `speech`. What multiplies the state at step t is the output at step t - 1, in a
    backward direction at t + 1.
    """
    inputs = speech.transpose(0, 1) if lstm.batch_first and speech.dim() == 3 else speech
    inputs = inputs if inputs.dim() == 3 else inputs[:, None]
    for layer in range(lstm.num_layers):
        names = [f"l{layer}", f"l{layer}_reverse"][: 1 + lstm.bidirectional]
        states = inputs.new_zeros(len(names), inputs.shape[1], lstm.hidden_size)
        outputs = _one_layer(lstm, names, inputs, states)
        for direction, name in enumerate(names):
            yield f"weight_ih_{name}", inputs
            written = outputs[..., direction * lstm.hidden_size : (direction + 1) * lstm.hidden_size]
            before = [states[:1], written[:-1]] if direction == 0 else [written[1:], states[:1]]
            yield f"weight_hh_{name}", torch.cat(before)
        inputs = outputs


def _one_layer(lstm: nn.LSTM, names: list[str], inputs: Tensor, states: Tensor) -> Tensor:
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if lstm.bias else ("weight_ih", "weight_hh")
    weights: list[Tensor] = [lstm.get_parameter(f"{kind}_{name}").to(inputs.dtype) for name in names for kind in kinds]
    return torch.lstm(inputs, (states, states), weights, lstm.bias, 1, 0.0, False, lstm.bidirectional, False)[0]
