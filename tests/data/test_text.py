import gzip
from pathlib import Path

import pytest

from secateur.data import TextDataset, as_tokens, read_lines, text
from secateur.errors import DataError
from texts import SENTENCES, tokenizer


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_lines_are_sentences_and_blank_ones_are_passed_over(name: str, tmp_path: Path) -> None:
    content = "set an  alarm \n\n\tfür sieben\r\n  \nlast".encode()
    assert read_lines(write(tmp_path / name, content)) == ["set an alarm", "für sieben", "last"]


@pytest.mark.parametrize(
    ("name", "content", "fragment"),
    [
        ("a.txt", b"", "must hold at least one line with words, but is empty"),
        ("a.txt", b" \n\t\n", "must hold at least one line with words, but is empty"),
        ("a.txt", "one\ntwo\n".encode("utf-16-le"), "must be UTF-8, but line 1 has a zero byte, as UTF-16 does"),
        ("a.txt", b"one\ntw\xff\n", "must be UTF-8, but line 2 is not (invalid start byte at byte 2)"),
        ("a.txt", b'\n{"text": "yes"}\nno\n', "its first is a JSON object, as in a manifest of speech"),
        ("a.txt", b"x" * (text.MAX_LINE_BYTES + 1), "must have one sentence per line, but a line is longer"),
        ("a.txt.gz", b"x" * 10 * text.MAX_LINE_BYTES, "must have one sentence per line, but a line is longer"),
    ],
)
def test_what_is_no_text_is_a_sentence(name: str, content: bytes, fragment: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_lines(write(tmp_path / name, content))
    assert fragment in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-10], lambda b: b"plain text", lambda b: b[:12] + b"\0\0\0\0" + b[16:]]
)
def test_a_broken_archive_is_a_sentence(damage, tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(damage(gzip.compress(b"some words in a line\n" * 50)))
    with pytest.raises(DataError, match="must be gzip, as its name says, but is not whole"):
        read_lines(path)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a file, but there is none"):
        read_lines(tmp_path / "none.txt")


def test_a_bomb_stops_where_it_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MAX_BYTES", 1000)
    with pytest.raises(DataError, match="must be smaller than 1000 bytes unpacked"):
        read_lines(write(tmp_path / "a.txt.gz", b"a line\n" * 1000))


def test_a_mark_of_byte_order_is_no_letter(tmp_path: Path) -> None:
    assert read_lines(write(tmp_path / "a.txt", "\ufeffset an alarm\nlast\n".encode())) == ["set an alarm", "last"]


def test_sentences_are_tokens_between_their_ends() -> None:
    found = tokenizer()
    assert list(as_tokens(found, ["the cat", ""])[1]) == [found.bos_token_id, found.eos_token_id]
    assert found.decode(as_tokens(found, ["the cat"])[0][1:-1]).strip() == "the cat"
    assert as_tokens(found, []) == []


def test_sentences_are_taken_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = as_tokens(tokenizer(), SENTENCES)
    monkeypatch.setattr(text, "AT_ONCE", 3)
    assert as_tokens(tokenizer(), SENTENCES) == whole


def test_what_looks_like_an_end_in_a_text_is_text() -> None:
    found = tokenizer()
    [row] = as_tokens(found, [f"the {found.eos_token} cat"])
    assert row.count(found.eos_token_id) == 1


def test_every_epoch_has_the_same_sentences() -> None:
    dataset = TextDataset([[1, 2], [3]])
    assert [dataset[0, 1], dataset[7, 1], dataset[1]] == [[3]] * 3
    assert len(dataset) == 2
