import gzip
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flashlight.lib.text", reason="needs the extra `decoding`")

from secateur.decoding import ngram as module
from secateur.decoding.ngram import Ngram, estimate
from secateur.errors import DataError

ARPA = """\
\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.5
-0.7\t</s>
-0.5\tyes\t-0.3
-0.6\tno\t-0.2

\\2-grams:
-0.2\t<s> yes
-0.4\tyes no
-0.1\tno </s>

\\end\\
"""

# Decimal logarithms, summed by hand: a bigram where there is one, else what its history leaves and the word alone.
BY_HAND = {
    "yes no": ((-0.2 - 0.4), -0.1),
    "no yes": ((-0.5 - 0.6) + (-0.2 - 0.5), -0.3 - 0.7),
    "": (0.0, -0.5 - 0.7),
    "yes maybe no": (-0.2 + (-0.3 - 1.0) - 0.6, -0.1),  # the unknown word leaves all, since it has no back-off
}


def write(path: Path, text: str = ARPA) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["words.arpa", "words.arpa.gz"])
def test_texts_have_the_probabilities_of_the_file(name: str, tmp_path: Path) -> None:
    found = Ngram(write(tmp_path / name))(list(BY_HAND))
    begun, ends = (np.array(values) * math.log(10) for values in zip(*BY_HAND.values(), strict=True))
    assert found.begun == pytest.approx(begun, rel=1e-5)
    assert found.ended == pytest.approx(begun + ends, rel=1e-5)
    assert found.words.tolist() == [2, 2, 0, 3]


def test_the_vocabulary_is_without_marks(tmp_path: Path) -> None:
    assert Ngram(write(tmp_path / "words.arpa")).vocabulary == {"yes", "no"}


def test_no_text_has_no_score(tmp_path: Path) -> None:
    assert Ngram(write(tmp_path / "words.arpa"))([]).ended.tolist() == []


def test_nothing_is_written_on_the_way(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Ngram(write(tmp_path / "words.arpa"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("order", [2, 3])
def test_an_estimated_n_gram_leaves_something_for_every_word(order: int) -> None:
    sentences = ["turn the light on", "turn the light off", "a cat", "turn it on"]
    found = estimate(sentences, order=order)
    for history in ("", "turn", "turn the", "xyzzy", "the light"):
        [base] = found([history]).begun
        following = found([f"{history} {word}" for word in (*sorted(found.vocabulary), "xyzzy")]).begun
        end = found([history]).ended[0]
        assert np.exp(following - base).sum() + math.exp(end - base) == pytest.approx(1.0, rel=1e-5)


def test_short_sentences_have_an_n_gram_of_any_order() -> None:
    assert estimate(["go", "stop"], order=6)(["go"]).ended > estimate(["go", "stop"], order=6)(["go go"]).ended


def test_what_was_seen_is_likelier_than_what_was_not() -> None:
    seen, shuffled, unknown = estimate(["turn the light on"] * 3 + ["the cat"])(
        ["turn the light on", "light the on turn", "xyzzy xyzzy xyzzy xyzzy"]
    ).ended
    assert seen > shuffled > unknown


WRONG = [
    ("words of a text\n", "it has no `.data.` with counts"),
    (ARPA.replace("-0.5\tyes\t-0.3", "-0.5\tyes\t-0.3\tmore"), "is no logarithm, word and back-off"),
    (ARPA.replace("yes no", "yes perhaps"), "KenLM says: Word perhaps was not seen in the unigrams"),
    (ARPA.replace("ngram 2=3", "ngram 2=3000000000"), "announces 3000000005 n-grams, more than fit"),
    (ARPA.replace("ngram 2=3\n", "").partition("\\2-grams")[0] + "\\end\\\n", "KenLM says: .*bigram"),
    (ARPA.replace("-0.6\tno", "-0,6\tno"), "KenLM says"),
    (ARPA.replace("no", "n" * 70_000), "a line is longer than 65536 bytes"),
    ("\n" * 2_000 + ARPA, "it has no `.data.` with counts"),
]


@pytest.mark.parametrize(("text", "fragment"), WRONG)
def test_what_is_no_n_gram_is_a_sentence(text: str, fragment: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"words.arpa` must be in the ARPA format, but .*{fragment}"):
        Ngram(write(tmp_path / "words.arpa", text))


@pytest.mark.parametrize(
    ("name", "content", "fragment"),
    [
        ("words.arpa", b"\xff\xfe\\data\\", "it is not UTF-8"),
        ("words.arpa.gz", gzip.compress(ARPA.encode(), mtime=0)[:40], "it is not whole"),
        ("words.arpa.gz", ARPA.encode(), "it is not whole"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(name: str, content: bytes, fragment: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=fragment):
        Ngram(tmp_path / name)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a file, but there is none; check the path"):
        Ngram(tmp_path / "none.arpa")


def test_errors_of_ours_are_heard_again_once_a_file_is_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with module._silence():
        pass
    module.os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
