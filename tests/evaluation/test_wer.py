import random

import pytest

from secateur.errors import DataError
from secateur.evaluation import differences, normalize, word_errors


def edit_distance(reference: list[str], hypothesis: list[str]) -> int:
    """The textbook table, cell by cell."""
    table = [[i + j for j in range(len(hypothesis) + 1)] for i in range(len(reference) + 1)]
    for i, truth in enumerate(reference, start=1):
        for j, guess in enumerate(hypothesis, start=1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (truth != guess))
    return table[-1][-1]


def random_texts(seed: int, *, count: int) -> list[str]:
    generator = random.Random(seed)
    return [" ".join(generator.choices(["on", "off", "the", "light"], k=generator.randrange(7))) for _ in range(count)]


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("", ""),
        (" \t\n ", ""),
        ("Turn LEFT", "turn left"),
        ("a  b\tc\nd", "a b c d"),
        ("state-of-the-art", "state of the art"),
        ("yes, no; maybe?!", "yes no maybe"),
        ("it's", "it's"),
        ("it\N{RIGHT SINGLE QUOTATION MARK}s", "it's"),
        ("£5 + 5 %", "5 5"),
        ("\N{LEFT DOUBLE QUOTATION MARK}hm\N{HORIZONTAL ELLIPSIS}", "hm"),
        ("CAFE\N{COMBINING ACUTE ACCENT}", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("no\N{NO-BREAK SPACE}break", "no break"),
    ],
)
def test_the_normalizer_lowers_case_and_drops_punctuation(text: str, normalized: str) -> None:
    assert normalize(text) == normalized
    assert normalize(normalized) == normalized


def test_edits_agree_with_the_textbook_table() -> None:
    references, hypotheses = random_texts(1, count=200), random_texts(2, count=200)
    errors = word_errors(references, hypotheses)
    pairs = list(zip(references, hypotheses, strict=True))
    assert errors.word_edits.tolist() == [edit_distance(a.split(), b.split()) for a, b in pairs]
    assert errors.char_edits.tolist() == [edit_distance(list(a), list(b)) for a, b in pairs]
    assert errors.word_counts.tolist() == [len(text.split()) for text in references]
    assert errors.char_counts.tolist() == [len(text) for text in references]


def test_rates_are_over_the_whole_set_and_not_the_mean_of_utterances() -> None:
    errors = word_errors(["a b c d e f g h i", "j"], ["a b c d e f g h i", "k"])
    assert errors.wer == 1 / 10
    assert errors.cer == 1 / 18
    assert (errors.utterances, errors.words) == (2, 10)


def test_an_empty_reference_counts_the_words_of_its_hypothesis_as_insertions() -> None:
    errors = word_errors(["", "...", "a b"], ["x yz", "", "a b"])
    assert errors.word_edits.tolist() == [2, 0, 0]
    assert errors.word_counts.tolist() == [0, 0, 2]
    assert errors.char_edits.tolist() == [4, 0, 0]
    assert errors.wer == 2 / 2


def test_an_empty_hypothesis_deletes_every_word() -> None:
    errors = word_errors(["a bc"], [""])
    assert (errors.wer, errors.cer) == (1.0, 1.0)


def test_both_sides_are_normalized_unless_asked_otherwise() -> None:
    assert word_errors(["Hello, World"], ["hello world!"]).wer == 0
    assert word_errors(["Hello, World"], ["hello world!"], normalizer=str).wer == 1


@pytest.mark.parametrize(
    ("references", "hypotheses", "fragment"),
    [
        (["a", "b"], ["a"], "1 for 2"),
        ([], [], "all 0 are empty"),
        (["", "?"], ["a", "b"], "all 2 are empty"),
    ],
)
def test_lists_that_cannot_be_scored_are_refused(references: list[str], hypotheses: list[str], fragment: str) -> None:
    with pytest.raises(DataError, match=fragment):
        word_errors(references, hypotheses)


def test_differences_name_each_kind_of_edit() -> None:
    assert differences("play the song now", "Play some song right now") == [
        ("equal", ("play",), ("play",)),
        ("substitute", ("the",), ("some",)),
        ("equal", ("song",), ("song",)),
        ("insert", (), ("right",)),
        ("equal", ("now",), ("now",)),
    ]
    assert differences("off", "") == [("delete", ("off",), ())]


def test_differences_spell_both_texts_and_cost_as_many_edits() -> None:
    for reference, hypothesis in zip(random_texts(3, count=50), random_texts(4, count=50), strict=True):
        chunks = differences(reference, hypothesis)
        assert [word for chunk in chunks for word in chunk.reference] == reference.split()
        assert [word for chunk in chunks for word in chunk.hypothesis] == hypothesis.split()
        edits = sum(max(len(c.reference), len(c.hypothesis)) for c in chunks if c.op != "equal")
        assert edits == edit_distance(reference.split(), hypothesis.split())
