from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from recognizers import characters, lasr
from secateur.decoding import pieces
from secateur.decoding.spelling import spell
from secateur.errors import ModelError
from secateur.tasks.models import load_processor
from speech import processor

PATHS = [[0], [4, 4, 0, 4], [2, 4, 5, 2, 2, 0, 2, 5], [0, 4, 3, 0, 3, 5, 1, 6], [2, 0, 4, 5]]


def tokenizers(folder: Path) -> dict[str, Any]:
    return {
        "ours": processor().tokenizer,
        "wav2vec2": characters(folder / "characters"),
        "lasr": load_processor(str(lasr(folder / "lasr"))).tokenizer,
    }


@pytest.mark.parametrize("name", ["ours", "wav2vec2", "lasr"])
def test_what_is_spelled_is_what_the_tokenizer_decodes(name: str, tmp_path: Path) -> None:
    tokenizer = tokenizers(tmp_path)[name]
    written = pieces(tokenizer, outputs=len(tokenizer), blank=tokenizer.pad_token_id)
    for path in PATHS:
        [decoded] = tokenizer.batch_decode([path])
        assert spell(path, written).split() == decoded.split()


def test_repeats_merge_before_blanks_leave() -> None:
    written = ("", "a", " b")
    for path in ([1, 1, 0, 1], [2, 2, 1, 0, 0, 1, 1], [0, 0], []):
        expected = "".join(written[token] for token in [token for token, _ in groupby(path)] if token)
        assert spell(path, written) == expected


class Tokens:
    """A tokenizer of so many letters."""

    unk_token, all_special_tokens = "<unk>", ("<pad>", "<unk>", "<s>")

    def __init__(self, *more: str) -> None:
        self._tokens = ("<pad>", "<unk>", "|", "a", *more)

    def decode(self, tokens: list[int]) -> str:
        return "".join(self._tokens[token] for token in tokens)

    def get_vocab(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self._tokens)}


@pytest.mark.parametrize(
    ("tokenizer", "fragment"),
    [(Tokens(), "has none for 1 of them .4, "), (Tokens("b", "c", "<s>"), "has 1 more .'c', ")],
)
def test_a_tokenizer_that_does_not_fit_the_model_is_refused(tokenizer: Tokens, fragment: str) -> None:
    with pytest.raises(ModelError, match=f"a token for each of the model's 5 outputs, but {fragment}"):
        pieces(tokenizer, outputs=5, blank=0)


def test_special_tokens_beyond_the_outputs_do_not_matter() -> None:
    assert pieces(Tokens("b", "<s>"), outputs=5, blank=0) == ("", "<unk>", "|", "a", "b")
