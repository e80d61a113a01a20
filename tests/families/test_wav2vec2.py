import pytest

import tiny
from secateur.families.wav2vec2 import UNITS
from secateur.families.wav2vec2_bert import BLOCK as BERT
from secateur.families.wav2vec2_conformer import BLOCK as CONFORMER
from secateur.families.wav2vec2_conformer import CHANNELS

D, H, K, F, C, KERNEL = tiny.WIDTH, tiny.HEADS, tiny.HEAD_WIDTH, tiny.UNITS, tiny.WIDTH, tiny.KERNEL

NORM = 2 * D
HEAD, UNIT, CHANNEL = 3 * K * (D + 1) + D * K, D + 1 + D, 2 * D + KERNEL + 2 + D

RELATIVE = K * D + 2 * K
"""What a head has besides with relative positions: rows of their projection, and two biases."""

DISTANCES = (4 + 2 + 1) * K
"""The distance embedding, which all heads of a module share."""

CONVOLUTION = {tiny.wav2vec2_conformer: C * CHANNEL + NORM, tiny.wav2vec2_bert: C * (CHANNEL - 2) + 2 * NORM}
"""Its norms are inside of it: a batch norm's entries belong to channels, a layer norm over channels to none."""


@pytest.mark.parametrize("feed_forward", ["ffn1", "ffn2"])
@pytest.mark.parametrize(
    ("make", "positions", "per_head", "shared"),
    [
        (tiny.wav2vec2_conformer, "relative", RELATIVE, 0),
        (tiny.wav2vec2_conformer, "rotary", 0, 0),
        (tiny.wav2vec2_conformer, None, 0, 0),
        (tiny.wav2vec2_bert, "relative_key", 0, DISTANCES),
        (tiny.wav2vec2_bert, "relative", RELATIVE, 0),
        (tiny.wav2vec2_bert, "rotary", 0, 0),
        (tiny.wav2vec2_bert, None, 0, 0),
    ],
)
def test_units_take_with_them_what_the_hand_count_says(
    make, positions: str | None, per_head: int, shared: int, feed_forward: str
) -> None:
    model = make(position_embeddings_type=positions)
    place = f"{model.base_model_prefix}.encoder.layers.0"
    found = tiny.taken(model)
    modules = {
        f"{place}.self_attn:module": H * (HEAD + per_head) + shared + D + NORM,
        f"{place}.{feed_forward}:module": F * UNIT + D + NORM,
        f"{place}.conv_module:module": CONVOLUTION[make],
    }
    units = {f"{place}.self_attn:head": HEAD + per_head, f"{place}.{feed_forward}:ffn_unit": UNIT}
    assert {site: found[site] for site in modules | units} == modules | units
    assert found.get(f"{place}.conv_module:conv_channel") == (CHANNEL if make is tiny.wav2vec2_conformer else None)
    whole = sum(modules.values()) + modules[f"{place}.{feed_forward}:module"] + NORM
    assert found[f"{place}:layer"] == whole


@pytest.mark.parametrize(("block", "channels"), [(BERT, None), (CONFORMER, CHANNELS)])
def test_a_block_is_a_macaron_whose_convolution_has_its_norm_inside(block, channels) -> None:
    assert [branch.name for branch in block.branches] == ["ffn1", "self_attn", "conv_module", "ffn2"]
    assert [branch.norm is None for branch in block.branches] == [False, False, True, False]
    assert [branch.units for branch in block.branches][::3] == [UNITS, UNITS]
    assert block.branches[2].units is channels
