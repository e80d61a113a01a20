"""A new language model and its tokenizer, from nothing but text."""

from collections.abc import Iterable
from typing import Any, Literal

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    PreTrainedTokenizerFast,
)

BEGIN, END, PAD = "<s>", "</s>", "<pad>"

SEEN = 2
"""How often a pair must have been seen to become a token."""


def byte_pair_tokenizer(lines: Iterable[str], *, vocabulary: int) -> PreTrainedTokenizerFast:
    """Learn byte pairs from text: no word is unknown, since every byte is a token, and blanks are part of words.

    The same lines give the same tokenizer. Where the text has fewer pairs, the vocabulary is smaller than asked for.

    Source: Sennrich et al. 2016 (arXiv 1508.07909); on bytes as in GPT-2.
    """
    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=SEEN,
        special_tokens=[BEGIN, END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END, pad_token=PAD)


def causal_lm(
    tokenizer: Any,
    *,
    family: Literal["gpt2", "opt", "llama"],
    hidden_size: int,
    layers: int,
    heads: int,
    intermediate_size: int,
    max_tokens: int,
    dropout: float,
    key_value_heads: int | None = None,
) -> Any:
    """Build a language model over the tokens of `tokenizer`, with the initialization of `transformers`.

    Input and output embeddings are one tensor. `key_value_heads` is for llama alone.
    """
    shared: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "max_position_embeddings": max_tokens,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "hidden_size": hidden_size,
        "tie_word_embeddings": True,
    }
    if family == "gpt2":
        drops = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), dropout)
        # Its own activation, by one kernel where the default, `gelu_new`, takes eight.
        one_kernel = "gelu_pytorch_tanh"
        return GPT2LMHeadModel(GPT2Config(**shared, **drops, n_inner=intermediate_size, activation_function=one_kernel))
    if family == "opt":
        drops = dict.fromkeys(("dropout", "attention_dropout"), dropout)
        return OPTForCausalLM(OPTConfig(**shared, **drops, ffn_dim=intermediate_size, word_embed_proj_dim=hidden_size))
    grouped: dict[str, Any] = {"num_key_value_heads": key_value_heads, "intermediate_size": intermediate_size}
    return LlamaForCausalLM(LlamaConfig(**shared, **grouped, attention_dropout=dropout))
