import pytest

from secateur.report import words
from secateur.report.words import align, errors


def naive_errors(said: list[str], heard: list[str]) -> int:
    """Levenshtein distance by its definition."""
    if not said or not heard:
        return len(said) + len(heard)
    rest = naive_errors(said[1:], heard[1:]) + (said[0] != heard[0])
    return min(rest, naive_errors(said[1:], heard) + 1, naive_errors(said, heard[1:]) + 1)


@pytest.mark.parametrize(
    ("reference", "transcript"),
    [
        ("", ""),
        ("", "a b"),
        ("a b", ""),
        ("a b c", "a c"),
        ("a b c d", "x b d d"),
        ("  a\tb\n", "a b"),
        ("a b a", "b a b"),
    ],
)
def test_an_alignment_holds_both_texts_and_as_many_errors_as_there_are(reference, transcript):
    found = align(reference, transcript)
    said = [word for part in found if part.kind != "wrong" for word in part.text.split()]
    heard = [word for part in found if part.kind != "missed" for word in part.text.split()]
    assert (said, heard) == (reference.split(), transcript.split())
    assert errors(reference, transcript) == naive_errors(said, heard)


def test_texts_too_long_to_align_are_told_whole(monkeypatch):
    monkeypatch.setattr(words, "MAX_WORDS", 3)
    assert [part.kind for part in align("a b c d", "a b c e")] == ["missed", "wrong"]
    assert errors("a b c d", "a b c e") == 0
