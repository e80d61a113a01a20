import torch

from secateur.optimizer_state import average, load_state, named_state


def test_a_fresh_optimizer_has_no_state_and_takes_none() -> None:
    optimizer = torch.optim.AdamW([torch.zeros(2, requires_grad=True)])
    assert named_state(optimizer) == {}
    load_state(optimizer, {})


def test_states_are_named_tensors_and_copies() -> None:
    weight = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimizer.step()
    state = named_state(optimizer)
    assert set(state) == {"0.step", "0.exp_avg", "0.exp_avg_sq"}
    optimizer.step()
    assert state["0.step"].item() == 1


def test_alone_an_average_is_what_it_was() -> None:
    gradient = torch.tensor([1.0, 3.0])
    average([gradient])
    assert gradient.tolist() == [1.0, 3.0]
