import pytest
import torch
from transformers import Wav2Vec2BertConfig, Wav2Vec2BertForSequenceClassification

import tiny
from secateur.families.wav2vec2_bert import WAV2VEC2_BERT
from tiny import cut, groups_of, taken

D, H, K, F = tiny.WIDTH, tiny.HEADS, tiny.HEAD_WIDTH, tiny.UNITS
A, ADAPTED_HEAD = tiny.ADAPTED, tiny.ADAPTED // tiny.HEADS

MODEL = "wav2vec2_bert"
BLOCK, ADAPTER = f"{MODEL}.encoder.layers.0", f"{MODEL}.adapter.layers.0"
ATTENTION, FEED_FORWARD, CONV = f"{BLOCK}.self_attn", f"{BLOCK}.ffn1", f"{BLOCK}.conv_module"

UNIT = D + 1 + D

models = tiny.BY_FAMILY["wav2vec2_bert"]
each_model = pytest.mark.parametrize("make", models.values(), ids=models)


def test_a_block_has_all_but_channels() -> None:
    found = {(group.name, group.units) for group in WAV2VEC2_BERT.groups(tiny.wav2vec2_bert(layers=1))}
    assert found == {
        (f"{BLOCK}:layer", 1),
        *((f"{BLOCK}.{branch}:module", 1) for branch in ("ffn1", "self_attn", "conv_module", "ffn2")),
        (f"{BLOCK}.ffn1:ffn_unit", F),
        (f"{BLOCK}.ffn2:ffn_unit", F),
        (f"{ATTENTION}:head", H),
    }


def test_an_adapter_layer_loses_heads_units_and_its_feed_forward_module_but_never_leaves() -> None:
    found = groups_of(tiny.wav2vec2_bert_with_adapter(layers=1))
    adapter = {name: (group.units, group.inside) for name, group in found.items() if group.module.startswith(ADAPTER)}
    assert adapter == {
        f"{ADAPTER}.self_attn:head": (H, ()),
        f"{ADAPTER}.ffn:module": (1, ()),
        f"{ADAPTER}.ffn:ffn_unit": (F, (f"{ADAPTER}.ffn:module",)),
    }
    before = {name: group.inside for name, group in found.items() if "intermediate_ffn" in name}
    assert before == {
        f"{MODEL}.intermediate_ffn:module": (),
        f"{MODEL}.intermediate_ffn:ffn_unit": (f"{MODEL}.intermediate_ffn:module",),
    }


def test_the_adapters_units_are_as_wide_as_the_adapter() -> None:
    found = taken(tiny.wav2vec2_bert_with_adapter())
    assert found[f"{ADAPTER}.self_attn:head"] == 3 * ADAPTED_HEAD * (A + 1) + A * ADAPTED_HEAD
    assert found[f"{ADAPTER}.ffn:ffn_unit"] == A + 1 + A
    assert found[f"{ADAPTER}.ffn:module"] == F * (2 * A + 1) + A + 2 * A
    assert found[f"{MODEL}.intermediate_ffn:module"] == F * UNIT + D  # no norm in front of it


def test_the_distance_embedding_stays_with_the_last_head() -> None:
    model = cut(tiny.wav2vec2_bert(), {f"{ATTENTION}:head": torch.arange(H) < 1})
    attention = model.wav2vec2_bert.encoder.layers[0].self_attn
    assert attention.distance_embedding.weight.shape == (7, K)
    assert attention.linear_k.out_features == K


def test_a_channel_behind_the_layer_norm_would_change_the_others() -> None:
    """Why they are not offered: masked, a channel still counts in the mean and variance."""
    conv = tiny.randomise(tiny.wav2vec2_bert(), 0).wav2vec2_bert.encoder.layers[0].conv_module
    hidden = torch.randn(1, D, 9, dtype=torch.float64)
    hidden[:, 0] = 0.0
    norm = conv.depthwise_layer_norm
    masked = norm(hidden.transpose(1, 2))[..., 1:]
    others = hidden[:, 1:].transpose(1, 2)
    alone = torch.nn.functional.layer_norm(others, others.shape[-1:], norm.weight[1:], norm.bias[1:], norm.eps)
    assert float((alone - masked).detach().abs().max()) > 0.01


def test_blocks_stay_in_a_classifier_that_weighs_them() -> None:
    settings = {**tiny.WAV2VEC2, "feature_projection_input_dim": tiny.MELS, "num_hidden_layers": 2}
    model = Wav2Vec2BertForSequenceClassification(Wav2Vec2BertConfig(**settings, use_weighted_layer_sum=True))
    granularities = {group.granularity for group in WAV2VEC2_BERT.groups(model)}
    assert granularities == {"module", "ffn_unit", "head"}


@pytest.mark.parametrize(
    ("kept", "widths"),
    [
        ({}, {"intermediate_size": F}),
        ({"ffn_unit": 6}, {"intermediate_size": 6}),
        ({f"{ADAPTER}.ffn:ffn_unit": 6}, None),
        ({f"{MODEL}.intermediate_ffn:module": 0}, None),
        ({f"{ADAPTER}.self_attn:head": 1}, None),
        ({"head": 2}, None),
        ({f"{CONV}:module": 0}, None),
    ],
)
def test_only_a_uniform_feed_forward_width_can_be_said_without_a_plan(kept: dict[str, int], widths) -> None:
    model = tiny.wav2vec2_bert_with_adapter()
    groups = WAV2VEC2_BERT.groups(model)
    chosen = {g.name: kept.get(g.name, kept.get(g.granularity)) for g in groups}
    masks = {g.name: torch.arange(g.units) < chosen[g.name] for g in groups if chosen[g.name] is not None}
    assert WAV2VEC2_BERT.widths(cut(model, masks)) == widths


@pytest.mark.parametrize(("make", "same"), [(tiny.wav2vec2_bert, True), (tiny.wav2vec2_bert_with_adapter, False)])
def test_only_an_adapters_convolutions_see_padding(make, same: bool) -> None:
    model = tiny.randomise(make(), 0)
    both = tiny.batch()
    both["attention_mask"][1, 29] = False  # an odd length: the stride's last window reaches beyond it
    alone = {"input_features": both["input_features"][1:, :29]}
    padded, single = tiny.output(model, both)[1], tiny.output(model, alone)[0]
    assert bool(torch.allclose(padded[: len(single)], single)) is same
    assert WAV2VEC2_BERT.hearing.masks_padding(model) is same
