"""Plain text for language models: one sentence per line, gzipped or not, and sentences as tokens in batches."""

import gzip
import zlib
from array import array
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor
from torch.utils.data import Dataset

from secateur.data.batches import IGNORED_LABEL, Draw
from secateur.errors import DataError, ModelError

MAX_LINE_BYTES = 1 << 16
"""A longer line is no sentence but a file without line breaks."""

MAX_BYTES = 1 << 32
"""More text than is read here: the bound keeps a gzip bomb from filling memory."""

AT_ONCE = 1 << 12
"""Sentences that a tokenizer takes at once: until it is done it keeps far more of a token than its number."""


def read_lines(path: Path | str) -> list[str]:
    """Read the lines of a text file that are not blank, their white space normalized; ``.gz`` is unpacked.

    Raises:
        DataError: The file is missing, empty, not UTF-8, not gzip where its name says so, or has no line breaks.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"text `{path}` must be a file, but there is none; check the path")
    lines = [" ".join(line.split()) for line in _decoded(path)]
    found = [line for line in lines if line]
    if not found:
        raise DataError(f"text `{path}` must hold at least one line with words, but is empty")
    if found[0].startswith("{") and found[0].endswith("}"):
        raise DataError(
            f"text `{path}` must hold a sentence per line, but its first is a JSON object, as in a manifest of speech; "
            f"write the texts of the manifest into a file of their own"
        )
    return found


def _ends(tokenizer: Any) -> tuple[int, int]:
    """Return the tokens that a sentence begins and ends with.

    Where a tokenizer has no beginning of its own, the end stands for it, as in GPT-2.

    Raises:
        ModelError: The tokenizer has no end of sentence.
    """
    end = tokenizer.eos_token_id
    if end is None:
        raise ModelError(
            f"the tokenizer must have an end of sentence (`eos_token`) to be predicted, but {type(tokenizer).__name__} "
            f"has none; set it, or take the tokenizer that the model was trained with"
        )
    begin = tokenizer.bos_token_id
    return (end if begin is None else begin), end


def as_tokens(tokenizer: Any, sentences: Sequence[str]) -> list[Sequence[int]]:
    """Return every sentence as ``<bos> tokens <eos>``, in arrays of four bytes a token.

    Raises:
        ModelError: The tokenizer has no end of sentence, or does not take a word.
    """
    begin, end = _ends(tokenizer)
    return [array("i", [begin, *tokens, end]) for tokens in _tokens(tokenizer, sentences)]


def _tokens(tokenizer: Any, sentences: Sequence[str]) -> Iterator[list[int]]:
    asked = {"add_special_tokens": False, "split_special_tokens": True}  # a "</s>" in a text is text
    try:
        for start in range(0, len(sentences), AT_ONCE):
            yield from tokenizer(list(sentences[start : start + AT_ONCE]), **asked)["input_ids"]
    except Exception as error:  # the library raises no other class
        raise ModelError(
            f"the tokenizer must take any text, but {type(tokenizer).__name__} does not ({error}); give it a token "
            f"for what it does not know (`unk_token`), or take the one that the model was trained with"
        ) from error


@final
class TextDataset(Dataset[Sequence[int]]):
    """Sentences as tokens; every epoch has the same."""

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        """`rows` are token ids, beginnings and ends among them."""
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, draw: Draw | int) -> Sequence[int]:
        return self._rows[draw if isinstance(draw, int) else draw[1]]


def collate_text(rows: Sequence[Sequence[int]]) -> Mapping[str, Tensor]:
    """Pad sentences: input_ids and attention_mask (B, S), labels (B, S) padded with -100.

    A language model shifts labels by itself. What pads is the sentence's own end, which every vocabulary has.

    >>> {name: tensor.tolist() for name, tensor in collate_text([[1, 5, 2], [1, 2]]).items()}
    {'input_ids': [[1, 5, 2], [1, 2, 2]], 'attention_mask': [[1, 1, 1], [1, 1, 0]], 'labels': [[1, 5, 2], [1, 2, -100]]}
    """
    lengths = torch.tensor([len(row) for row in rows])
    width = int(lengths.max())
    tokens = torch.tensor([[*row, *[row[-1]] * (width - len(row))] for row in rows])
    inside = torch.arange(width) < lengths[:, None]
    return {
        "input_ids": tokens,
        "attention_mask": inside.long(),
        "labels": tokens.masked_fill(~inside, IGNORED_LABEL),
    }


def _decoded(path: Path) -> Iterator[str]:
    for number, raw in enumerate(_raw(path), start=1):
        if b"\0" in raw:
            raise DataError(
                f"text `{path}` must be UTF-8, but line {number} has a zero byte, as UTF-16 does; convert it, for "
                f"instance with `iconv -t utf-8`"
            )
        try:
            yield raw.removeprefix(BOM_UTF8).decode("utf-8")  # some editors begin a file with it; no word has it
        except UnicodeDecodeError as error:
            raise DataError(
                f"text `{path}` must be UTF-8, but line {number} is not ({error.reason} at byte {error.start}); "
                f"convert it, for instance with `iconv -t utf-8`"
            ) from None


def _raw(path: Path) -> Iterator[bytes]:
    total = 0
    try:
        with _opened(path) as stream:
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                total += len(raw)
                if len(raw) > MAX_LINE_BYTES:
                    raise DataError(
                        f"text `{path}` must have one sentence per line, but a line is longer than {MAX_LINE_BYTES} "
                        f"bytes; break it into sentences"
                    )
                if total > MAX_BYTES:
                    raise DataError(f"text `{path}` must be smaller than {MAX_BYTES} bytes unpacked; split it")
                yield raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"text `{path}` must be gzip, as its name says, but is not whole ({error})") from None


def _opened(path: Path) -> BufferedIOBase:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
