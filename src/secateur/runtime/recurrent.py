"""Recurrent layers whose matrices are linear layers, which kernels can take the place of."""

from typing import Any, final

import torch
from torch import Tensor, nn

from secateur.errors import RequestError
from secateur.evaluation.dense import linear_from
from secateur.runtime.candidates import Values, candidates
from secateur.surgery.put import put

State = tuple[Tensor, Tensor]
"""Outputs and cells, (layers, B, hidden) each."""


@final
class RecurrentLayer(nn.Module):
    r"""One layer of an LSTM.

    .. math::
        (i, f, g, o) = W x_t + U h_{t-1} + b, \quad
        c_t = \sigma(f) c_{t-1} + \sigma(i) \tanh g, \quad h_t = \sigma(o) \tanh c_t

    W multiplies all steps at once, U one after the other.
    """

    def __init__(self, lstm: nn.LSTM, layer: int) -> None:
        super().__init__()
        self.input = _linear(lstm, f"ih_l{layer}")
        self.recurrent = _linear(lstm, f"hh_l{layer}")

    def forward(self, steps: Tensor, state: State) -> tuple[Tensor, State]:
        """Return outputs (T, B, hidden) of steps (T, B, in), and the last output and cell (B, hidden)."""
        output, cell = state
        outputs: list[Tensor] = []
        for from_input in self.input(steps):
            gates = from_input + self.recurrent(output)
            keep, forget, new, show = gates.chunk(4, -1)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(keep) * torch.tanh(new)
            output = torch.sigmoid(show) * torch.tanh(cell)
            outputs.append(output)
        return torch.stack(outputs), (output, cell)


@final
class Recurrent(nn.Module):
    """What an `nn.LSTM` does in inference, one direction and no projection, its matrices linear layers."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.batch_first, self.hidden_size = lstm.batch_first, lstm.hidden_size
        self.layers = nn.ModuleList(RecurrentLayer(lstm, layer) for layer in range(lstm.num_layers))

    def forward(self, input: Tensor, hx: State | None = None) -> tuple[Tensor, State]:
        """Return outputs and the last state, as `nn.LSTM` does of a tensor: batched, or a single sequence (T, in).

        Raises:
            RequestError: The input is a packed sequence.
        """
        if not isinstance(input, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise RequestError(
                f"an accelerated LSTM must read a tensor, but gets a {type(input).__name__}; pad the sequences instead"
            )
        single = input.dim() == 2
        steps = input[:, None] if single else input.transpose(0, 1) if self.batch_first else input
        before = self._state(steps, hx, single=single)
        after: list[State] = []
        for layer, *state in zip(self.layers, *before, strict=True):
            steps, last = layer(steps, (state[0], state[1]))
            after.append(last)
        outputs, cells = (torch.stack(each) for each in zip(*after, strict=True))
        if single:
            return steps[:, 0], (outputs[:, 0], cells[:, 0])
        return steps.transpose(0, 1) if self.batch_first else steps, (outputs, cells)

    def _state(self, steps: Tensor, state: State | None, *, single: bool) -> State:
        if state is None:
            nothing = steps.new_zeros(len(self.layers), steps.shape[1], self.hidden_size)
            return nothing, nothing
        outputs, cells = state
        return (outputs[:, None], cells[:, None]) if single else (outputs, cells)


def _linear(lstm: nn.LSTM, name: str) -> nn.Linear:
    return linear_from(lstm.get_parameter(f"weight_{name}"), lstm.get_parameter(f"bias_{name}") if lstm.bias else None)


def open_recurrent(model: nn.Module, values: Values) -> None:
    """Replace every LSTM with a matrix whose zeros pay by one of linear layers, in place.

    Those of two directions or with projections stay.

    Raises:
        ModelError: A weight is not finite.
    """
    for name, lstm in list(model.named_modules()):
        if type(lstm) is not nn.LSTM or lstm.bidirectional or lstm.proj_size:
            continue
        made = Recurrent(lstm)
        if any(next(candidates(f"{name}.{own}", layer, values), None) for own, layer in _matrices(made)):
            put(model, name, made)


def _matrices(model: nn.Module) -> list[tuple[str, Any]]:
    return [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
