import pytest
import torch
from torch import nn

from secateur.methods.recurrent import recurrent_inputs


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_inputs_times_matrices_are_the_gates_of_every_step(bidirectional: bool, batch_first: bool) -> None:
    torch.manual_seed(0)
    lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=bidirectional, batch_first=batch_first).eval()
    speech = torch.randn(2, 5, 3) if batch_first else torch.randn(5, 2, 3)
    seen = dict(recurrent_inputs(lstm, speech))
    assert set(seen) == {name for name, _ in lstm.named_parameters() if name.startswith("weight")}
    outputs = lstm(speech)[0]
    wanted = outputs.transpose(0, 1) if batch_first else outputs
    for direction, name in enumerate(["l1", "l1_reverse"][: 1 + bidirectional]):
        x, h = seen[f"weight_ih_{name}"], seen[f"weight_hh_{name}"]
        gates = x @ lstm.get_parameter(f"weight_ih_{name}").T + lstm.get_parameter(f"bias_ih_{name}")
        gates = gates + h @ lstm.get_parameter(f"weight_hh_{name}").T + lstm.get_parameter(f"bias_hh_{name}")
        enter, forget, cell, leave = gates.chunk(4, -1)
        state, found = torch.zeros(2, 4), []
        for step in range(5) if direction == 0 else reversed(range(5)):
            state = forget[step].sigmoid() * state + enter[step].sigmoid() * cell[step].tanh()
            found.append(leave[step].sigmoid() * state.tanh())
        found = found if direction == 0 else found[::-1]
        torch.testing.assert_close(torch.stack(found), wanted[..., direction * 4 : direction * 4 + 4])


def test_a_single_utterance_has_no_batch() -> None:
    lstm = nn.LSTM(3, 4)
    assert dict(recurrent_inputs(lstm, torch.randn(5, 3)))["weight_ih_l0"].shape == (5, 1, 3)


def test_what_is_seen_in_single_precision_stays_so_whatever_the_layer_has() -> None:
    lstm = nn.LSTM(3, 4, num_layers=2, dtype=torch.float64)
    seen = dict(recurrent_inputs(lstm, torch.randn(5, 3)))
    assert {inputs.dtype for inputs in seen.values()} == {torch.float32}
