from functools import partial

import pytest
import torch

import tiny
from secateur.families.wav2vec2_conformer import WAV2VEC2_CONFORMER
from tiny import cut, groups_of, taken

D, H, K, F, C, KERNEL = tiny.WIDTH, tiny.HEADS, tiny.HEAD_WIDTH, tiny.UNITS, tiny.WIDTH, tiny.KERNEL

MODEL = "wav2vec2_conformer"
BLOCK = f"{MODEL}.encoder.layers.0"
ATTENTION, FEED_FORWARD, CONV = f"{BLOCK}.self_attn", f"{BLOCK}.ffn1", f"{BLOCK}.conv_module"
FRONT = [f"{MODEL}.feature_extractor.conv_layers.{i}.conv:conv_channel" for i in range(4)]
POSITIONS = f"{MODEL}.encoder.pos_conv_embed:module"

models = tiny.BY_FAMILY["wav2vec2_conformer"]
each_model = pytest.mark.parametrize("make", models.values(), ids=models)


def test_a_model_has_its_front_end_its_positions_and_one_group_of_each_kind_per_block() -> None:
    found = {(group.name, group.units) for group in WAV2VEC2_CONFORMER.groups(tiny.wav2vec2_conformer(layers=1))}
    assert found == {
        (FRONT[0], tiny.STAGES[0]),
        (FRONT[2], tiny.STAGES[2]),
        (POSITIONS, 1),
        (f"{BLOCK}:layer", 1),
        *((f"{BLOCK}.{branch}:module", 1) for branch in ("ffn1", "self_attn", "conv_module", "ffn2")),
        (f"{BLOCK}.ffn1:ffn_unit", F),
        (f"{BLOCK}.ffn2:ffn_unit", F),
        (f"{ATTENTION}:head", H),
        (f"{CONV}:conv_channel", C),
    }


@pytest.mark.parametrize("biased", [True, False])
def test_a_channel_in_front_takes_its_filter_its_norm_and_what_reads_it(biased: bool) -> None:
    """Kernels are 6, 3, 2 and 1 wide; only the first stage has a norm."""
    found = taken(tiny.wav2vec2_conformer(conv_bias=biased))
    assert found[FRONT[0]] == 1 * 6 + biased + 2 + tiny.STAGES[1] * 3
    assert found[FRONT[2]] == tiny.STAGES[1] * 2 + biased + tiny.STAGES[3] * 1


@pytest.mark.parametrize(("stages", "places"), [(2, [0]), (3, [1]), (4, [0, 2]), (7, [1, 3, 5])])
def test_every_second_stage_may_lose_channels_but_never_the_last_and_none_share_a_tensor(
    stages: int, places: list[int]
) -> None:
    shape = {"conv_dim": (4,) * stages, "conv_stride": (2,) * stages, "conv_kernel": (2,) * stages}
    found = [group for group in WAV2VEC2_CONFORMER.groups(tiny.wav2vec2_conformer(**shape)) if group.also]
    assert [group.module for group in found] == [f"{MODEL}.feature_extractor.conv_layers.{i}.conv" for i in places]
    assert [group.also for group in found] == [(f"{MODEL}.feature_extractor.conv_layers.{i + 1}.conv",) for i in places]
    tensors = [where.tensor for group in found for where in group.slices]
    assert len(tensors) == len(set(tensors))


def test_a_front_end_that_normalizes_over_channels_stays_whole() -> None:
    found = groups_of(tiny.wav2vec2_conformer(feat_extract_norm="layer"))
    assert not [name for name in found if "feature_extractor" in name]


def test_a_channel_behind_a_layer_norm_would_change_the_others() -> None:
    """Why they are not offered: masked, a channel still counts in the mean and variance."""
    model = tiny.randomise(tiny.wav2vec2_conformer(feat_extract_norm="layer"), 0)
    stages = model.wav2vec2_conformer.feature_extractor.conv_layers
    with torch.no_grad():
        for tensor in (
            stages[2].conv.weight,
            stages[2].conv.bias,
            stages[2].layer_norm.weight,
            stages[2].layer_norm.bias,
        ):
            tensor[0] = 0.0
    hidden = torch.randn(1, tiny.STAGES[1], 9, dtype=torch.float64)
    masked = stages[2](hidden)[:, 1:]
    channels = stages[2].conv(hidden)[:, 1:].transpose(1, 2)
    norm = stages[2].layer_norm
    alone = torch.nn.functional.layer_norm(channels, channels.shape[-1:], norm.weight[1:], norm.bias[1:], norm.eps)
    assert float((stages[2].activation(alone.transpose(1, 2)) - masked).detach().abs().max()) > 1e-3


def test_the_positional_convolution_is_never_called_and_leaves_with_all_it_holds() -> None:
    model = tiny.wav2vec2_conformer()
    called: list[bool] = []
    model.wav2vec2_conformer.encoder.pos_conv_embed.register_forward_hook(lambda *_: called.append(True))
    model.double()
    tiny.output(model)
    assert called == []
    groups, window = 3, 4
    assert taken(model)[POSITIONS] == D * D // groups * window + window + D  # directions, lengths, bias


@pytest.mark.parametrize("kept", [1, 2])
def test_the_rotary_embedding_still_turns_the_input_in_as_many_parts_as_before(kept: int) -> None:
    model = tiny.wav2vec2_conformer(position_embeddings_type="rotary")
    cut(model, {f"{ATTENTION}:head": torch.arange(H) < kept})
    attention = model.wav2vec2_conformer.encoder.layers[0].self_attn
    assert attention.linear_q.out_features == kept * K
    assert attention.num_heads == H


@pytest.mark.parametrize(
    ("kept", "widths"),
    [
        ({}, (F, [*tiny.STAGES])),
        ({"ffn_unit": 6}, (6, [*tiny.STAGES])),
        ({FRONT[0]: 2, FRONT[2]: 3}, (F, [2, 5, 3, 4])),
        ({"head": 2}, None),
        ({f"{CONV}:conv_channel": 5}, None),
        ({POSITIONS: 0}, None),
        ({f"{CONV}:module": 0}, None),
    ],
)
def test_feed_forward_width_and_the_front_end_need_no_plan(kept: dict[str, int], widths) -> None:
    model = tiny.wav2vec2_conformer()
    groups = WAV2VEC2_CONFORMER.groups(model)
    chosen = {g.name: kept.get(g.name, kept.get(g.granularity)) for g in groups}
    masks = {g.name: torch.arange(g.units) < chosen[g.name] for g in groups if chosen[g.name] is not None}
    expected = widths and dict(zip(("intermediate_size", "conv_dim"), widths, strict=True))
    assert WAV2VEC2_CONFORMER.widths(cut(model, masks)) == expected


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_an_utterance_is_heard_otherwise_beside_a_longer_one(norm: str) -> None:
    """Why utterances are decoded one by one: its convolutions see the padding."""
    make = partial(tiny.wav2vec2_conformer, feat_extract_norm=norm)
    model = tiny.randomise(make(), 0)
    both = tiny.samples()
    alone = {"input_values": both["input_values"][1:, : int(both["attention_mask"][1].sum())]}
    padded, single = tiny.output(model, both)[1], tiny.output(model, alone)[0]
    assert float((padded[: len(single)] - single).abs().max()) > 1e-3
    assert not WAV2VEC2_CONFORMER.hearing.masks_padding(model)
