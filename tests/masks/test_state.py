import pytest
import torch

import tiny
from secateur.families import find_groups
from secateur.masks import MaskState

LAYER, HEAD = "encoder.layers.0:layer", "encoder.layers.1.self_attn:head"


def masked(granularities=("layer", "head")) -> tuple:
    model = tiny.randomise(tiny.ctc(), 0)
    return model, MaskState(model, find_groups(model, granularities))


def test_everything_is_kept_at_first() -> None:
    model, state = masked()
    before = tiny.output(model)
    state.set({})
    assert state.kept() == {LAYER: 1, "encoder.layers.1:layer": 1, "encoder.layers.0.self_attn:head": 3, HEAD: 3}
    assert torch.equal(tiny.output(model), before)


def test_what_is_masked_stays_zero_whatever_the_optimizer_does() -> None:
    model, state = masked()
    state.set({HEAD: torch.tensor([True, False, True])})
    rows = slice(tiny.HEAD_WIDTH, 2 * tiny.HEAD_WIDTH)
    query = model.encoder.layers[1].self_attn.q_proj.weight
    with torch.no_grad():
        query.add_(1.0)
    kept = query.detach().clone()
    state.apply()
    assert not query[rows].any()
    kept[rows] = 0.0
    assert torch.equal(query, kept)
    assert state.kept()[HEAD] == 2


def test_a_site_that_is_not_named_keeps_its_mask() -> None:
    _, state = masked()
    state.set({HEAD: torch.tensor([True, False, True])})
    state.set({LAYER: torch.tensor([False])})
    assert state.kept()[HEAD] == 2


def test_a_masked_layer_is_stepped_over_until_the_state_is_released() -> None:
    model, state = masked()
    other = tiny.randomise(tiny.ctc(), 0)
    del other.encoder.layers[0]
    wanted = tiny.output(other)
    seen: list[torch.Tensor] = []
    layer = model.encoder.layers[0]
    layer.register_forward_hook(lambda _, inputs, output: seen.extend([inputs[0], output]))
    state.set({LAYER: torch.tensor([False])})
    state.set({LAYER: torch.tensor([False])})
    assert torch.equal(tiny.output(model), wanted)
    assert torch.equal(*seen)  # a hook of somebody else's, as a teacher's is, sees what goes on
    layer._forward_hooks.popitem(last=True)
    state.release()
    assert not any(layer._forward_hooks for layer in model.encoder.layers)
    assert not torch.equal(tiny.output(model), wanted)


@pytest.mark.parametrize("granularity", tiny.STRUCTURED)
def test_the_model_keeps_its_parameters_names_and_shapes(granularity: str) -> None:
    model, state = masked([granularity])
    before = {name: tensor.shape for name, tensor in model.state_dict().items()}
    state.set({site: torch.zeros_like(mask) for site, mask in state.masks.items()})
    assert {name: tensor.shape for name, tensor in model.state_dict().items()} == before
