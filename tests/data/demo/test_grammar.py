import random
import re
import zlib

import pytest

from secateur.data.demo import grammar
from secateur.data.demo.grammar import LONGEST, sentence, sentences, split_of, vocabulary
from secateur.errors import DataError

DEFAULTS = {"train": 1500, "valid": 150, "test": 250}


def test_sentences_are_two_to_nine_words_over_the_alphabet_and_the_apostrophe():
    rng = random.Random(0)
    for _ in range(3000):
        drawn = sentence(rng)
        assert re.fullmatch(r"[a-z']+( [a-z']+)+", drawn), drawn
        assert len(drawn.split()) <= LONGEST


def test_every_slot_names_a_rule_and_every_rule_but_the_first_has_a_slot():
    slots = {name for rule in grammar._RULES.values() for name in re.findall(r"<(.*?)>", rule)}
    assert slots == set(grammar._RULES) - {"command"}


def test_the_vocabulary_is_every_word_that_is_said_and_no_other():
    rng = random.Random(1)
    said = {word for _ in range(20_000) for word in sentence(rng).split()}
    assert said == set(vocabulary())
    assert 150 <= len(said) <= 250


def test_there_are_many_thousands_of_sentences():
    assert len(set(sentences(5000, split="train"))) == 5000


@pytest.mark.parametrize("seed", range(3))
def test_the_splits_share_no_sentence_and_train_has_every_word(seed: int):
    drawn = {split: sentences(count, split=split, seed=seed) for split, count in DEFAULTS.items()}
    assert {split: len(set(texts)) for split, texts in drawn.items()} == DEFAULTS
    assert not set(drawn["train"]) & set(drawn["test"])
    assert not set(drawn["train"]) & set(drawn["valid"])
    assert not set(drawn["valid"]) & set(drawn["test"])
    assert {word for text in drawn["train"] for word in text.split()} == set(vocabulary())


def test_no_seed_brings_a_test_sentence_into_train():
    held_out = {text for seed in range(5) for text in sentences(100, split="test", seed=seed)}
    assert not held_out & {text for seed in range(5, 10) for text in sentences(400, split="train", seed=seed)}


def test_the_split_is_the_checksum_of_the_text_in_tenths():
    assert zlib.crc32(b"123456789") == 0xCBF43926  # the published check value of CRC-32
    assert split_of("123456789") == "train"  # 0xCBF43926 ends in 2
    rng = random.Random(2)
    texts = {sentence(rng) for _ in range(20_000)}
    for split, share in {"test": 0.1, "valid": 0.1, "train": 0.8}.items():
        assert sum(split_of(text) == split for text in texts) / len(texts) == pytest.approx(share, abs=0.02)


def test_the_same_seed_draws_the_same_and_a_longer_draw_begins_with_the_shorter():
    assert sentences(40, split="valid", seed=3) == sentences(40, split="valid", seed=3)
    assert sentences(40, split="valid", seed=3)[:15] == sentences(15, split="valid", seed=3)
    assert sentences(40, split="valid", seed=3) != sentences(40, split="valid", seed=4)


def test_asking_for_more_than_the_grammar_has_says_how_many_it_has(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grammar, "_RULES", {"command": "call <who> | stop it", "who": "anna | ben | carla"})
    grammar._alternatives.cache_clear()
    try:
        have = [
            sum(split_of(text) == split for text in ("call anna", "call ben", "call carla", "stop it"))
            for split in ("train", "valid", "test")
        ]
        assert len(sentences(have[0], split="train")) == have[0]
        with pytest.raises(DataError, match=f"`train` must be at most {have[0]}, .* but is 5"):
            sentences(5, split="train")
    finally:
        grammar._alternatives.cache_clear()
