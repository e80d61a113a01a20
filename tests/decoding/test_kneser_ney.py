import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from secateur.decoding import write_arpa
from secateur.decoding.kneser_ney import UNKNOWN, count
from secateur.errors import DataError, RequestError

SENTENCES = ["a b a", "b a", "c", "a b", "", "b b b a c"]

# Of "a b" and "b". Bigrams: <s> a, a b, <s> b once, b </s> twice: d = 3 / (3 + 2) = 0.6. Unigrams, by how many words
# they follow: a 1, b 2, </s> 1, so d = 2 / (2 + 2) = 0.5, and 0.5 * 3 / 4 = 0.375 is left for four words, the unknown
# one among them: 0.09375 each.
UNIGRAMS = {"a": 0.21875, "b": 0.46875, "</s>": 0.21875, UNKNOWN: 0.09375}
LEFT = {"<s>": 0.6 * 2 / 2, "a": 0.6 * 1 / 1, "b": 0.6 * 1 / 2}
BIGRAMS = {
    "<s> a": (1 - 0.6) / 2 + LEFT["<s>"] * UNIGRAMS["a"],
    "<s> b": (1 - 0.6) / 2 + LEFT["<s>"] * UNIGRAMS["b"],
    "a b": (1 - 0.6) / 1 + LEFT["a"] * UNIGRAMS["b"],
    "b </s>": (2 - 0.6) / 2 + LEFT["b"] * UNIGRAMS["</s>"],
}


def grams(path: Path) -> Iterator[tuple[str, float, float | None]]:
    """N-gram, probability, and what is left for lower orders."""
    for line in path.read_text().splitlines():
        if "\t" in line:
            likely, words, *back = line.split("\t")
            yield words, 10 ** float(likely), 10 ** float(back[0]) if back else None


def test_a_bigram_is_as_counted_by_hand(tmp_path: Path) -> None:
    write_arpa(tmp_path / "two.arpa", ["a b", "b"], order=2)
    found = {words: (likely, back) for words, likely, back in grams(tmp_path / "two.arpa")}
    assert found.pop("<s>") == (pytest.approx(0.0), pytest.approx(LEFT["<s>"], rel=1e-6))
    assert {words: likely for words, (likely, _) in found.items()} == pytest.approx(UNIGRAMS | BIGRAMS, rel=1e-6)
    backs = {words: back for words, (_, back) in found.items() if back is not None}
    assert backs == pytest.approx({"a": LEFT["a"], "b": LEFT["b"]}, rel=1e-6)


def test_the_file_says_how_many_n_grams_it_has(tmp_path: Path) -> None:
    write_arpa(tmp_path / "two.arpa", ["a b", "b"], order=2)
    lines = (tmp_path / "two.arpa").read_text().splitlines()
    assert lines[:3] == ["\\data\\", "ngram 1=5", "ngram 2=4"]
    assert lines[-1] == "\\end\\"
    assert lines.count("\\1-grams:") == lines.count("\\2-grams:") == 1


@pytest.mark.parametrize("order", [2, 3, 4, 6])
def test_lower_orders_count_how_many_words_an_n_gram_follows(order: int) -> None:
    """But for beginnings of sentences, which follow nothing and are counted as they are."""
    texts = [("<s>", *sentence.split(), "</s>") for sentence in SENTENCES]
    counts = count(SENTENCES, order=order)
    for length in range(1, order + 1):
        seen = [text[i : i + length] for text in texts for i in range(len(text) - length + 1)]
        follows = {(text[i - 1], text[i : i + length]) for text in texts for i in range(1, len(text) - length + 1)}
        whole = length == order
        expected = {
            gram: seen.count(gram) if whole or gram[0] == "<s>" else sum(other == gram for _, other in follows)
            for gram in seen
            if gram != ("<s>",)
        }
        assert counts[length - 1] == expected


@pytest.mark.parametrize("order", [2, 3, 4])
def test_what_follows_any_history_is_certain_to_be_one_of_all_words(order: int, tmp_path: Path) -> None:
    write_arpa(tmp_path / "some.arpa", SENTENCES, order=order)
    found = {tuple(words.split()): (likely, back) for words, likely, back in grams(tmp_path / "some.arpa")}

    def likely(history: tuple[str, ...], word: str) -> float:
        if (*history, word) in found:
            return found[*history, word][0]
        return (found.get(history, (0.0, None))[1] or 1.0) * likely(history[1:], word)

    histories = [("<s>",), ("a",), ("b", "a"), ("c", "c"), ("<s>", "a")]
    for history in (history[-order + 1 :] for history in histories):
        total = sum(likely(history, word) for word in ("a", "b", "c", "</s>", UNKNOWN))
        assert total == pytest.approx(1.0, rel=1e-5)


def test_orders_longer_than_every_sentence_are_left_out(tmp_path: Path) -> None:
    write_arpa(tmp_path / "six.arpa", ["go", "stop"], order=6)
    assert (tmp_path / "six.arpa").read_text().count("-grams:") == 3  # <s> go </s>
    assert "ngram 3=2" in (tmp_path / "six.arpa").read_text()


def test_a_text_too_small_to_tell_a_discount_gets_a_half(tmp_path: Path) -> None:
    write_arpa(tmp_path / "one.arpa", ["a"], order=2)
    found = {words: likely for words, likely, _ in grams(tmp_path / "one.arpa")}
    below = (0.5 * 2 / 2) / 3  # a, </s>, the unknown one
    assert found["a"] == pytest.approx(0.5 / 2 + below, rel=1e-6)
    assert found["<s> a"] == pytest.approx(0.5 + 0.5 * found["a"], rel=1e-6)
    assert math.isclose(found[UNKNOWN], below, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("sentences", "order", "error", "fragment"),
    [
        (["a"], 1, RequestError, "`order` must be 2 to 6 words, but is 1"),
        (["a"], 7, RequestError, "but is 7"),
        ([], 3, DataError, "must hold at least one word"),
        (["", " "], 3, DataError, "must hold at least one word"),
        (["so <s> it goes"], 3, DataError, "must be plain words, but one holds `<s>` .'so <s> it goes'."),
    ],
)
def test_what_cannot_be_estimated_is_a_sentence(
    sentences: list[str], order: int, error: type[Exception], fragment: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=fragment):
        write_arpa(tmp_path / "none.arpa", sentences, order=order)
    assert not (tmp_path / "none.arpa").exists()
