import pytest
import torch
from transformers.activations import ACT2FN

from secateur.training import byte_pair_tokenizer, causal_lm

LINES = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"] * 3
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 4, "intermediate_size": 24, "max_tokens": 20, "dropout": 0.1}
SHARED = {"gpt2": None, "opt": None, "llama": 2}


def test_any_text_comes_back_from_its_tokens_and_none_is_unknown() -> None:
    tokenizer = byte_pair_tokenizer(LINES, vocabulary=300)
    for text in ("the cat", "naïve 7!", "don't"):
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]).strip() == text


def test_pairs_that_were_seen_twice_become_tokens_up_to_the_vocabulary() -> None:
    small, large = (byte_pair_tokenizer(LINES, vocabulary=size) for size in (262, 10_000))
    assert len(small) == 262
    assert 262 < len(large) < 400  # the text has no more
    assert len(large("the cat", add_special_tokens=False)["input_ids"]) == 2
    assert len(small("the cat", add_special_tokens=False)["input_ids"]) > 2


def test_the_same_text_gives_the_same_tokenizer() -> None:
    one, two = (byte_pair_tokenizer(LINES, vocabulary=280).get_vocab() for _ in range(2))
    assert one == two


@pytest.mark.parametrize("family", SHARED)
def test_a_model_of_each_family_has_the_shape_asked_for(family) -> None:
    tokenizer = byte_pair_tokenizer(LINES, vocabulary=270)
    model = causal_lm(tokenizer, family=family, key_value_heads=SHARED[family], **SHAPE)
    assert model.config.model_type == family
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert tuple(model.get_input_embeddings().weight.shape) == (270, 16)
    assert len([name for name, _ in model.named_modules() if name.endswith(("h.1", "layers.1"))]) == 1
    widths = {parameter.shape[0] for name, parameter in model.named_parameters() if "fc" in name or "mlp" in name}
    assert 24 in widths or family == "gpt2"
    logits = model(torch.tensor([[0] * SHAPE["max_tokens"]])).logits
    assert logits.shape == (1, 20, 270)
    assert (model.config.bos_token_id, model.config.eos_token_id) == (0, 1)


def test_gpt2_keeps_its_activation_in_one_kernel() -> None:
    model = causal_lm(byte_pair_tokenizer(LINES, vocabulary=270), family="gpt2", **SHAPE)
    values = torch.linspace(-6, 6, 101)
    torch.testing.assert_close(model.transformer.h[0].mlp.act(values), ACT2FN["gelu_new"](values))
    assert type(model.transformer.h[0].mlp.act) is not type(ACT2FN["gelu_new"])


def test_llamas_heads_share_keys_and_values() -> None:
    tokenizer = byte_pair_tokenizer(LINES, vocabulary=280)
    model = causal_lm(tokenizer, family="llama", key_value_heads=2, **SHAPE)
    attention = model.model.layers[0].self_attn
    assert (attention.q_proj.out_features, attention.k_proj.out_features) == (16, 8)
    alone = causal_lm(tokenizer, family="llama", key_value_heads=None, **SHAPE)
    assert alone.model.layers[0].self_attn.k_proj.out_features == 16
