"""Small optimizers of our own beside the Trainer's: their state as named tensors, their gradients over processes."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, distributed


def named_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return every tensor of the optimizer's state as ``<parameter index>.<name>``; empty before its first step."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": tensor.clone() for index, values in state.items() for name, tensor in values.items()}


def load_state(optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor]) -> None:
    """Take up what `named_state` returned."""
    values: dict[int, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        index, _, name = key.partition(".")
        values.setdefault(int(index), {})[name] = tensor.clone()
    optimizer.load_state_dict({**optimizer.state_dict(), "state": values})


def average(gradients: Sequence[Tensor]) -> None:
    """Average over processes, in place, what the Trainer's wrapper does not see; alone, nothing happens."""
    if distributed.is_available() and distributed.is_initialized():
        for gradient in gradients:
            distributed.all_reduce(gradient)
            gradient /= distributed.get_world_size()
