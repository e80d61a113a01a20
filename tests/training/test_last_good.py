import math

import pytest
import torch
from torch import nn
from transformers import TrainerState
from transformers.training_args import TrainingArguments

from secateur.errors import DivergedError
from secateur.training import LastGood

ARGS, STATE = TrainingArguments(output_dir="unused", report_to="none"), TrainerState(global_step=4)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).train()


def stepped(network: nn.Module, gradient: float = 1.0) -> None:
    network(torch.randn(5, 3)).sum().backward()
    network[0].weight.grad.fill_(gradient)


def copied(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(network: nn.Module, state: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())


def test_what_training_starts_from_can_be_brought_back() -> None:
    network = model()
    good = LastGood(network)
    good.on_train_begin(ARGS, STATE, None)
    before = copied(network)
    with torch.no_grad():
        network[0].weight.fill_(math.nan)
        network[1].running_mean.fill_(math.nan)
    good.restore()
    assert same(network, before)


def test_each_finite_step_moves_what_is_kept_and_buffers_come_too() -> None:
    network = model()
    good = LastGood(network)
    good.on_train_begin(ARGS, STATE, None)
    stepped(network)
    good.on_pre_optimizer_step(ARGS, STATE, None)
    kept = copied(network)
    with torch.no_grad():
        network[0].weight.mul_(1e30)
        network[1].running_var.fill_(math.inf)
    good.restore()
    assert same(network, kept)
    assert float(network[1].num_batches_tracked) == 1


@pytest.mark.parametrize("gradient", [math.nan, math.inf])
def test_a_gradient_that_is_no_number_stops_before_the_step(gradient: float) -> None:
    network = model()
    good = LastGood(network)
    good.on_train_begin(ARGS, STATE, None)
    before = copied(network)
    stepped(network, gradient)
    with pytest.raises(DivergedError, match="the gradients must be finite, but are not at step 5; the last good state"):
        good.on_pre_optimizer_step(ARGS, STATE, None)
    good.restore()
    assert same(network, before)


def test_in_half_precision_the_loss_scale_sees_to_it() -> None:
    network = model()
    good = LastGood(network)
    good.on_train_begin(ARGS, STATE, None)
    stepped(network, math.inf)
    half = TrainingArguments(output_dir="unused", report_to="none")
    half.fp16 = True
    good.on_pre_optimizer_step(half, STATE, None)


def test_a_model_without_gradients_is_fine() -> None:
    good = LastGood(model())
    good.on_pre_optimizer_step(ARGS, STATE, None)
