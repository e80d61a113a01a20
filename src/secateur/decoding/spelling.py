"""What the tokens of a CTC model write."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from secateur.errors import ModelError

WORD_BOUNDARY = "▁"
"""How sentence pieces, and the characters of our own models, write a blank."""


def pieces(tokenizer: Any, *, outputs: int, blank: int) -> tuple[str, ...]:
    """Return what each of the model's outputs adds to a text, as the tokenizer decodes it; the CTC blank adds nothing.

    Raises:
        ModelError: The tokenizer does not fit the model.
    """
    tokens = {index: token for token, index in tokenizer.get_vocab().items()}
    special = set(tokenizer.all_special_tokens)
    missing = [index for index in range(outputs) if index not in tokens]
    spare = [token for index, token in tokens.items() if index >= outputs and token not in special]
    if missing or spare:
        raise ModelError(
            f"the recognizer's tokenizer must have a token for each of the model's {outputs} outputs, but "
            f"{_misfit(missing, spare)}; take the one that the model was trained with"
        )
    space = getattr(tokenizer, "word_delimiter_token", None)
    written = {token: tokenizer.decode([index]) for index, token in tokens.items() if token in special}
    written |= {tokens[blank]: "", **({space: " "} if space else {})}
    return tuple(
        written.get(token, token.replace(WORD_BOUNDARY, " ")) for token in map(tokens.__getitem__, range(outputs))
    )


def _misfit(missing: Sequence[int], spare: Sequence[str]) -> str:
    if missing:
        return f"has none for {len(missing)} of them ({missing[0]}, ...)"
    return f"has {len(spare)} more ({spare[0]!r}, ...)"


def spell(path: Sequence[int], pieces: Sequence[str]) -> str:
    """Return the text of a token per frame: repeats merged, then blanks dropped; its spaces are as they come.

    >>> spell([1, 1, 0, 1, 2, 0], ("", "a", " "))
    'aa '
    """
    return "".join(pieces[token] for token, _ in groupby(path))


def tidy(text: str) -> str:
    """Return a text's words, a single space between them.

    >>> tidy(" go   on")
    'go on'
    """
    return " ".join(text.split())
