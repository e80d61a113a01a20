import pytest
import torch

import tiny
from secateur.runtime.attention import RelativeAttention, replace_attention, shifted
from secateur.runtime.rooms import Room


def randomised():
    return tiny.randomise(tiny.ctc(), 0).float()


def test_a_batch_with_padding_is_heard_as_before() -> None:
    model, inputs = randomised(), tiny.batch(dtype=torch.float32)
    before = tiny.output(model, inputs)
    assert replace_attention(model, Room()) is model
    assert sum(isinstance(module, RelativeAttention) for module in model.modules()) == 2
    torch.testing.assert_close(tiny.output(model, inputs), before, atol=1e-4, rtol=1e-4)


def test_one_utterance_needs_no_mask() -> None:
    model = randomised()
    inputs = {name: value[:1] for name, value in tiny.batch(dtype=torch.float32).items()}
    before = tiny.output(model, inputs)
    torch.testing.assert_close(tiny.output(replace_attention(model, Room()), inputs), before, atol=1e-4, rtol=1e-4)


def test_heads_that_have_left_stay_away() -> None:
    model, inputs = randomised(), tiny.batch(dtype=torch.float32)
    groups = [group for group in tiny.groups_of(model).values() if group.granularity == "head"]
    masks = {group.name: torch.tensor([True, False, True]) for group in groups}
    tiny.cut(model, masks)
    before = tiny.output(model, inputs)
    torch.testing.assert_close(tiny.output(replace_attention(model, Room()), inputs), before, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("places", [1, 2, 5])
def test_every_place_is_read_from_its_distance(places: int) -> None:
    scores = torch.randn(2, 3, places, 2 * places - 1)
    found = shifted(scores)
    for i in range(places):
        for j in range(places):
            assert torch.equal(found[:, :, i, j], scores[:, :, i, places - 1 - i + j])


def test_another_kind_of_attention_is_kept() -> None:
    model = randomised()
    model.set_attn_implementation("eager")
    replace_attention(model, Room())
    replace_attention(tiny.gpt2(), Room())
    assert not any(isinstance(module, RelativeAttention) for module in model.modules())
