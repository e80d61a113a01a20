from typing import Any

import torch

import tiny
from secateur.families import find_groups
from secateur.training import KeepZeros


def test_weights_that_are_zero_to_begin_with_stay_so_and_others_move() -> None:
    model = tiny.randomise(tiny.Plain(), 0)
    groups = find_groups(model, ["element"])
    nothing: Any = None
    with torch.no_grad():
        model.sound.weight[0] = 0.0
    callback = KeepZeros(model, groups)
    with torch.no_grad():
        model.sound.weight[1] = 0.0  # a checkpoint's, rounded
    callback.on_train_begin(nothing, nothing, nothing)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1.0
    callback.on_optimizer_step(nothing, nothing, nothing)
    assert (model.sound.weight[0] == 0.0).all()
    assert (model.sound.weight[1:] != 0.0).all()
    assert (model.norm.bias != 0.0).all()
