import math

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import tiny
from secateur.errors import DataError, ModelError
from secateur.evaluation import check_vocabulary, surprise

WORDS = ("<unk>", "<pad>", "<s>", "set", "an", "alarm", "off")
SENTENCES = ["set an alarm", "off", "set alarm off an", "an an"]


def tokenizer(
    *,
    words: tuple[str, ...] = WORDS,
    begin: str | None = "<s>",
    end: str | None = "<s>",
    characters: bool = False,
    unknown: str = "<unk>",
    **numbered: int,
) -> PreTrainedTokenizerFast:
    numbers = {**{word: i for i, word in enumerate(words)}, **numbered}
    inner = Tokenizer(models.WordLevel(numbers, unk_token=unknown))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated") if characters else pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", bos_token=begin, eos_token=end)


def by_hand(model, tokens: list[int]) -> float:
    """One sentence alone, token by token."""
    total = 0.0
    for i in range(1, len(tokens)):
        logits = model(torch.tensor([tokens[:i]])).logits[0, -1]
        total -= float(logits.log_softmax(-1)[tokens[i]])
    return total


@pytest.mark.parametrize("name", tiny.LANGUAGE_MODELS)
@pytest.mark.parametrize("batch_tokens", [1, 12, 4096])
def test_a_sentences_surprise_is_that_of_its_tokens_one_by_one_whatever_the_batch(name: str, batch_tokens: int) -> None:
    model = tiny.randomise(tiny.LANGUAGE_MODELS[name](), 0)
    found = surprise(model, tokenizer(), SENTENCES, batch_tokens=batch_tokens)
    rows = [[2, *(WORDS.index(word) for word in sentence.split()), 2] for sentence in SENTENCES]
    with torch.no_grad():
        expected = [by_hand(model, row) for row in rows]
        ends = [expected[i] - by_hand(model, row[:-1]) for i, row in enumerate(rows)]
    assert found.nats == pytest.approx(expected, rel=1e-5)
    assert found.end_nats == pytest.approx(ends, rel=1e-4)
    assert found.tokens.tolist() == found.words.tolist() == [4, 2, 5, 3]


def test_a_sentence_longer_than_the_model_reads_slides_through_it() -> None:
    model = tiny.randomise(tiny.gpt2(), 0)
    sentences = ["set an alarm off " * 8, *SENTENCES]
    found = surprise(model, tokenizer(), sentences, batch_tokens=60, slide=True)
    rows = [[2, *(WORDS.index(word) for word in sentence.split()), 2] for sentence in sentences]
    most = model.config.max_position_embeddings
    assert len(rows[0]) > most
    with torch.no_grad():
        costs = [[_cost(model, row[max(0, i + 1 - most) : i + 1]) for i in range(1, len(row))] for row in rows]
    assert found.nats == pytest.approx([sum(one) for one in costs], rel=1e-5)
    assert found.end_nats == pytest.approx([one[-1] for one in costs], rel=1e-4)
    assert found.tokens.tolist() == [33, 4, 2, 5, 3]


def _cost(model, tokens: list[int]) -> float:
    """Of the last token."""
    return -float(model(torch.tensor([tokens[:-1]])).logits[0, -1].log_softmax(-1)[tokens[-1]])


def test_perplexity_is_per_token_and_per_word() -> None:
    """Each character is a token, and every token is as likely as any other."""
    model = tiny.gpt2()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    letters = ("<unk>", "<pad>", "<s>", "a", "b", "c", "d")
    found = surprise(model, tokenizer(words=letters, characters=True), ["abcd", "ab"])
    assert (found.tokens.tolist(), found.words.tolist()) == ([5, 3], [2, 2])
    assert found.per_token == pytest.approx(tiny.VOCAB)
    assert found.per_word == pytest.approx(tiny.VOCAB ** (8 / 4))
    assert found.nats == pytest.approx(np.array([5, 3]) * math.log(tiny.VOCAB))


def test_a_tokenizer_is_judged_by_its_highest_number() -> None:
    check_vocabulary(tiny.gpt2(), tokenizer(words=WORDS[:5], off=6))
    with pytest.raises(ModelError, match=r"among the model's 7, 0 to 6, but 'off' is 7; take"):
        check_vocabulary(tiny.gpt2(), tokenizer(words=WORDS[:5], off=7))


def test_unknown_words_are_counted() -> None:
    assert surprise(tiny.gpt2(), tokenizer(), ["set the alarm", "the the"]).unknown == 3


def test_the_end_stands_for_a_beginning_that_a_tokenizer_lacks() -> None:
    model = tiny.randomise(tiny.gpt2(), 0)
    given, lacking = (surprise(model, tokenizer(begin=begin), SENTENCES).nats for begin in ("<s>", None))
    assert np.array_equal(given, lacking)


@pytest.mark.parametrize(
    ("options", "sentences", "error", "fragment"),
    [
        ({}, [], DataError, "must hold at least one"),
        ({"end": None}, ["an"], ModelError, "must have an end of sentence"),
        ({"words": (*WORDS, "more", "words")}, ["more"], ModelError, "the model's 7, 0 to 6, but 'words' is 8"),
        ({"words": WORDS[:6], "off": 9}, ["off"], ModelError, "among the model's 7, 0 to 6, but 'off' is 9"),
        (
            {"unknown": "none"},
            ["the"],
            ModelError,
            "must take any text, but TokenizersBackend does not (WordLevel",
        ),
        ({}, ["an " * 30], DataError, "at most the 24 tokens that the model reads, but one has 32 ('an an an"),
    ],
)
def test_what_cannot_be_measured_is_a_sentence(options, sentences, error, fragment: str) -> None:
    with pytest.raises(error) as caught:
        surprise(tiny.gpt2(), tokenizer(**options), sentences)
    assert fragment in str(caught.value)
