import pytest

import tiny
from secateur.families.blocks import Block
from secateur.families.fastconformer import CHANNELS, UNITS, block
from secateur.families.lasr import BLOCK as LASR
from secateur.families.parakeet import BLOCK as PARAKEET

D, H, K, F, C, KERNEL = tiny.WIDTH, tiny.HEADS, tiny.HEAD_WIDTH, tiny.UNITS, tiny.WIDTH, tiny.KERNEL

PLACE = "encoder.layers.0"
ATTENTION, CONV = f"{PLACE}.self_attn", f"{PLACE}.conv"

RELATIVE = K * D + 2 * K
"""What a head of Parakeet has besides: rows of the position projection, and two biases."""


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize(("make", "norm", "extra"), [(tiny.ctc, 2 * D, RELATIVE), (tiny.lasr, D, 0)])
def test_units_take_with_them_what_the_hand_count_says(make, norm: int, extra: int, biased: bool, second: bool) -> None:
    """Norms of LASR have no bias, and its positions no weights."""
    feed_forward = f"{PLACE}.feed_forward{1 + second}"
    found = tiny.taken(make(attention_bias=biased, convolution_bias=biased))
    head, unit = 3 * K * (D + biased) + D * K + extra, D + biased + D
    channel = 2 * (D + biased) + KERNEL + biased + 2 + D
    modules = {
        f"{ATTENTION}:module": H * head + D * biased + norm,
        f"{feed_forward}:module": F * unit + D * biased + norm,
        f"{CONV}:module": C * channel + D * biased + norm,
    }
    units = {f"{ATTENTION}:head": head, f"{feed_forward}:ffn_unit": unit, f"{CONV}:conv_channel": channel}
    assert {site: found[site] for site in modules | units} == modules | units
    assert found[f"{PLACE}:layer"] == sum(modules.values()) + modules[f"{feed_forward}:module"] + norm


@pytest.mark.parametrize("found", [PARAKEET, LASR])
def test_a_block_is_a_macaron_with_a_norm_in_front_of_every_branch(found: Block) -> None:
    assert [branch.name for branch in found.branches] == ["feed_forward1", "self_attn", "conv", "feed_forward2"]
    assert all(branch.norm for branch in found.branches)
    assert [branch.units for branch in found.branches][::3] == [UNITS, UNITS]
    assert found.branches[2].units == CHANNELS
    assert found == block(
        found.kind,
        feed_forward=found.branches[0].kind,
        attention=found.branches[1].kind,
        convolution=found.branches[2].kind,
        heads=found.branches[1].units,
    )
