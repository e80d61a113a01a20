import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secateur.decoding import write_arpa
from secateur.errors import DataError, ModelError
from secateur.evaluation import surprise
from secateur.tasks.language import load_language, written_alone_or_together
from secateur.training import byte_pair_tokenizer
from speech import save_recognizer
from texts import SENTENCES, language_model, save_language_model, tokenizer, write_text

TEXTS = ["the cat sat", "", "turn the light on", "The  cat, sat!"]


def ngram_extra() -> None:
    pytest.importorskip("flashlight.lib.text", reason="needs the extra `decoding`")


def test_a_transformer_says_how_likely_normalized_texts_are(tmp_path: Path) -> None:
    found = load_language(str(save_language_model(tmp_path / "lm", seed=3))).scorer(TEXTS)
    expected = surprise(language_model(seed=3), tokenizer(), ["the cat sat", "", "turn the light on"])
    assert found.ended[:3] == pytest.approx(-expected.nats, rel=1e-5)
    assert found.begun[:3] == pytest.approx(expected.end_nats - expected.nats, rel=1e-5, abs=1e-9)
    assert found.words.tolist() == [3, 0, 4, 3]
    assert (found.begun[3], found.ended[3]) == pytest.approx((found.begun[0], found.ended[0]))


@pytest.mark.parametrize("name", ["words.arpa", "words.txt", "words.txt.gz"])
def test_an_n_gram_is_read_or_made_of_normalized_text(name: str, tmp_path: Path) -> None:
    ngram_extra()
    path = tmp_path / name
    if name.endswith(".arpa"):
        write_arpa(path, SENTENCES)
    else:
        lines = "\n".join(f"{sentence.upper()}!" for sentence in SENTENCES).encode()
        path.write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
    write_arpa(tmp_path / "expected.arpa", SENTENCES)
    found, expected = load_language(str(path)), load_language(str(tmp_path / "expected.arpa"))
    assert found.scorer(TEXTS).ended == pytest.approx(expected.scorer(TEXTS).ended)
    assert found.scorer(TEXTS[:1]).ended == pytest.approx(found.scorer(TEXTS[3:]).ended)
    assert found.characters == expected.characters == frozenset("".join(SENTENCES)) - {" "}


def test_a_tokenizer_over_bytes_knows_the_letters_that_it_has_in_pairs() -> None:
    capitals = byte_pair_tokenizer([sentence.upper() for sentence in SENTENCES] * 3, vocabulary=300)
    written = "".join(written_alone_or_together(capitals))
    assert set("THECAT") <= set(written)
    assert not any(map(str.islower, written))


class Letters:
    """A tokenizer with one letter per token."""

    all_special_ids = (0,)

    def get_vocab(self) -> dict[str, int]:
        return {"<s>": 0, "a": 1, "b": 2, " ": 3}

    def batch_decode(self, rows: list[list[int]]) -> list[str]:
        return [("<s>", "a", "b", " ")[index] for [index] in rows]


def test_a_tokenizer_over_letters_knows_its_letters() -> None:
    assert written_alone_or_together(Letters()) == ["a", "b", ""]


def no_end(folder: Path) -> None:
    save_language_model(folder)
    bare = byte_pair_tokenizer(SENTENCES * 3, vocabulary=300)
    bare.eos_token = None
    bare.save_pretrained(folder)


def too_many(folder: Path) -> None:
    save_language_model(folder)
    byte_pair_tokenizer([*SENTENCES * 3, *("xyzzy plugh plover",) * 9], vocabulary=400).save_pretrained(folder)


def broken(folder: Path) -> None:
    model = language_model()
    model.transformer.ln_f.bias.data.fill_(float("nan"))
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)


WRONG: list[tuple[Any, type[Exception], str]] = [
    (save_recognizer, ModelError, "must be a language model of a known family"),
    (lambda folder: None, ModelError, "does not exist"),
    (no_end, ModelError, "must have an end of sentence"),
    (too_many, ModelError, "cannot be read with: the tokenizer's tokens must be among the model's [0-9]+, 0 to"),
    (broken, ModelError, "must give texts a probability, but what it gives is no finite number"),
]


@pytest.mark.parametrize(
    ("make", "error", "fragment"), WRONG, ids=["recognizer", "nothing", "no end", "too many", "broken"]
)
def test_what_cannot_score_is_a_sentence(make: Any, error: type[Exception], fragment: str, tmp_path: Path) -> None:
    make(tmp_path / "m")
    with pytest.raises(error, match=fragment):
        load_language(str(tmp_path / "m"))


def test_a_text_longer_than_the_model_reads_is_scored_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scorer = load_language(str(save_language_model(tmp_path / "lm", seed=3))).scorer
    assert caplog.messages == []
    alone = scorer(TEXTS)
    for _ in range(2):
        found = scorer([*TEXTS, "the cat " * 40])
        assert found.ended[:-1] == pytest.approx(alone.ended, rel=1e-5)
        assert found.ended[-1] < found.begun[-1] < alone.ended.min()
    [message] = caplog.messages
    assert "lm` reads 40 tokens, but a text has " in message
    assert "are predicted from the last 39 (said once)" in message


def test_files_that_are_not_there_are_a_sentence(tmp_path: Path) -> None:
    ngram_extra()
    with pytest.raises(DataError, match=r"text `.*` must be a file"):
        load_language(str(tmp_path / "none.txt"))
    with pytest.raises(DataError, match=r"n-gram `.*` must be a file"):
        load_language(str(tmp_path / "none.arpa"))


def test_scores_are_the_same_whatever_else_is_asked(tmp_path: Path) -> None:
    language = load_language(str(save_language_model(tmp_path / "lm", seed=3)))
    together = language.scorer(TEXTS).ended
    assert together == pytest.approx(np.concatenate([language.scorer([text]).ended for text in TEXTS]), rel=1e-5)


def test_a_text_file_becomes_a_trigram(tmp_path: Path) -> None:
    ngram_extra()
    language = load_language(str(write_text(tmp_path / "some.txt", ("a b c", "b b d") * 3)))
    seen, unseen = language.scorer(["a b c", "b b c"]).ended
    assert seen > unseen  # "c" follows "a b" always, "b b" never; a bigram would not know


def test_lines_without_words_are_no_sentences_of_an_n_gram(tmp_path: Path) -> None:
    ngram_extra()
    lines = ("a b c", "b b d", "a b")
    plain, ruled = (load_language(str(write_text(tmp_path / f"{n}.txt", (*lines, *n * ["* * *"])))) for n in (0, 3))
    assert ruled.scorer(["a b", ""]).ended == pytest.approx(plain.scorer(["a b", ""]).ended)


def test_a_text_without_words_is_named(tmp_path: Path) -> None:
    ngram_extra()
    with pytest.raises(DataError, match=r"dots.txt` must hold words to make an n-gram of, but none is left"):
        load_language(str(write_text(tmp_path / "dots.txt", ("...", "--"))))
