import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers.activations import ACT2FN

import tiny
from secateur.runtime import accelerate
from secateur.runtime.block import FastBlock, lengths_of
from secateur.runtime.rest import accelerate_rest
from sparse_weights import zeroed

MADE = {"ctc": tiny.ctc, "ctc without biases": tiny.ctc_without_biases, "rnnt": tiny.rnnt, "tdt": tiny.tdt}


def randomised(name: str = "ctc") -> Any:
    return tiny.randomise(MADE[name](), 0).float().eval()


def heard(model: Any, features: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    with torch.inference_mode():
        return model.get_encoder()(features, attention_mask=mask).last_hidden_state


def fast(model: Any) -> Any:
    """Return a copy with fast blocks only, checked to be so."""
    found = accelerate_rest(copy.deepcopy(model))
    assert {type(block) for block in found.get_encoder().layers} == {FastBlock}
    return found


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("lengths", [[1], [37], [64, 41], [53, 9, 1]])
def test_blocks_are_the_library_s(name: str, lengths: list[int]) -> None:
    model = randomised(name)
    features = torch.randn(len(lengths), max(lengths), tiny.MELS)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    replaced = fast(model)
    for _ in range(2):
        torch.testing.assert_close(heard(replaced, features, mask), heard(model, features, mask), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(heard(replaced, features), heard(model, features), atol=1e-4, rtol=1e-4)


def test_sparse_layers_do_the_same_sums_as_in_the_library_s_blocks() -> None:
    torch.manual_seed(0)
    model = accelerate(zeroed(tiny.ctc()), choose="sparse")
    features = torch.randn(2, 60, tiny.MELS)
    torch.testing.assert_close(heard(fast(model), features), heard(model, features), atol=1e-2, rtol=1e-2)


def test_a_mask_that_was_written_to_is_read_again() -> None:
    model = randomised()
    replaced = fast(model)
    features, mask = torch.randn(1, 60, tiny.MELS), torch.ones(1, 60, dtype=torch.bool)
    for length in (60, 30):
        mask[:, length:] = False
        torch.testing.assert_close(heard(replaced, features, mask), heard(model, features, mask), atol=1e-4, rtol=1e-4)


def test_another_mask_is_the_library_s_affair() -> None:
    block, replaced = randomised().encoder.layers[0], fast(randomised()).encoder.layers[0]
    states = torch.randn(1, 5, tiny.WIDTH)
    positions = torch.randn(1, 9, tiny.WIDTH)
    mask = torch.ones(1, 1, 5, 5, dtype=torch.bool).tril()
    with torch.inference_mode():
        want = block(states, attention_mask=mask, position_embeddings=positions)
        found = replaced(states, attention_mask=mask, position_embeddings=positions)
    torch.testing.assert_close(found, want, atol=1e-4, rtol=1e-4)


def test_position_embeddings_may_be_any() -> None:
    block, replaced = randomised().encoder.layers[0], fast(randomised()).encoder.layers[0]
    states = torch.randn(2, 5, tiny.WIDTH)
    for positions in (torch.randn(1, 9, tiny.WIDTH).expand(2, -1, -1), torch.randn(2, 9, tiny.WIDTH)):
        with torch.inference_mode():
            want = block(states, position_embeddings=positions)
            found = replaced(states, position_embeddings=positions)
        torch.testing.assert_close(found, want, atol=1e-4, rtol=1e-4)


def test_hidden_states_are_recorded_and_not_overwritten() -> None:
    model, features = randomised(), torch.randn(1, 60, tiny.MELS)
    with torch.inference_mode():
        want = model(features, output_hidden_states=True).hidden_states
        replaced = fast(model)
        found = replaced(features, output_hidden_states=True).hidden_states
        replaced(torch.randn(1, 60, tiny.MELS))
    assert len(found) == len(want) == 3
    for one, other in zip(found, want, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_heads_units_and_channels_that_have_left_stay_away() -> None:
    model = randomised()
    kept = {"head": [True, False, True], "ffn_unit": [True] * 7 + [False] * 3, "conv_channel": [False] + [True] * 11}
    groups = [
        group
        for name, group in tiny.groups_of(model).items()
        if group.granularity in kept and "subsampling" not in name
    ]
    tiny.cut(model, {group.name: torch.tensor(kept[group.granularity]) for group in groups})
    features = torch.randn(1, 60, tiny.MELS)
    torch.testing.assert_close(heard(fast(model), features), heard(model, features), atol=1e-4, rtol=1e-4)


def _other_norm(block: Any) -> None:
    block.norm_conv = nn.Identity()


def _other_filter(block: Any) -> None:
    block.conv.depthwise_conv = nn.Conv1d(tiny.WIDTH, tiny.WIDTH, 3, padding=2, dilation=2, groups=tiny.WIDTH)


def _other_activation(block: Any) -> None:
    block.conv.activation = ACT2FN["gelu"]


def _other_batch_norm(block: Any) -> None:
    block.conv.norm = nn.BatchNorm1d(tiny.WIDTH, track_running_stats=False)


@pytest.mark.parametrize("change", [_other_norm, _other_filter, _other_activation, _other_batch_norm])
def test_an_unusual_block_is_kept(change: Any) -> None:
    model = randomised()
    for block in model.encoder.layers:
        change(block)
    features = torch.randn(1, 60, tiny.MELS)
    replaced = accelerate_rest(copy.deepcopy(model))
    assert not any(isinstance(block, FastBlock) for block in replaced.encoder.layers)
    torch.testing.assert_close(heard(replaced, features), heard(model, features), atol=1e-4, rtol=1e-4)


def test_another_activation_of_feed_forward_modules_is_called() -> None:
    model = randomised()
    for block in model.encoder.layers:
        block.feed_forward1.activation = ACT2FN["gelu"]
    features = torch.randn(1, 60, tiny.MELS)
    torch.testing.assert_close(heard(fast(model), features), heard(model, features), atol=1e-4, rtol=1e-4)


def test_a_copy_of_a_fast_model_hears_the_same() -> None:
    replaced, features = fast(randomised()), torch.randn(1, 60, tiny.MELS)
    before = heard(replaced, features)
    assert torch.equal(heard(copy.deepcopy(replaced), features), before)


@pytest.mark.parametrize(
    ("mask", "want"),
    [
        (torch.ones(2, 1, 3, 3, dtype=torch.bool), [3, 3]),
        (torch.zeros(1, 1, 3, 3, dtype=torch.bool), [0]),
        (torch.ones(1, 1, 3, 3, dtype=torch.bool).tril(), None),
        (torch.ones(1, 2, 3, 3, dtype=torch.bool), None),
        (torch.ones(1, 1, 3, 3), None),
        (torch.eye(3, dtype=torch.bool)[None, None], None),
    ],
)
def test_lengths_are_read_from_a_mask_that_says_them(mask: torch.Tensor, want: list[int] | None) -> None:
    found = lengths_of(mask)
    assert found is None if want is None else np.array_equal(found, want)
