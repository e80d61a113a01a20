"""The words in which a transcript differs from its reference."""

from dataclasses import dataclass
from typing import Literal, final

import jiwer

Kind = Literal["equal", "missed", "wrong"]

MAX_WORDS = 5_000
"""An alignment needs words x words bits twice; half an hour of speech is about 5 000 words."""


@final
@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Consecutive words of one kind."""

    kind: Kind
    """`missed`: in the reference only. `wrong`: in the transcript only; a substitution is one of each."""

    text: str


def align(reference: str, transcript: str) -> tuple[Stretch, ...]:
    """The transcript against the reference along a shortest edit path.

    >>> [(s.kind, s.text) for s in align("call my mother", "call me mother")]
    [('equal', 'call'), ('missed', 'my'), ('wrong', 'me'), ('equal', 'mother')]
    >>> align("", "")
    ()
    """
    said, heard = reference.split(), transcript.split()
    if max(len(said), len(heard)) > MAX_WORDS:
        return _stretches(("missed", said), ("wrong", heard))
    found: tuple[Stretch, ...] = ()
    for chunk in jiwer.process_words(" ".join(said), " ".join(heard)).alignments[0]:
        before = said[chunk.ref_start_idx : chunk.ref_end_idx]
        after = heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
        both: tuple[tuple[Kind, list[str]], ...] = (("missed", before), ("wrong", after))
        found += _stretches(("equal", before)) if chunk.type == "equal" else _stretches(*both)
    return found


def errors(reference: str, transcript: str) -> int:
    """Substitutions, deletions and insertions; words beyond `MAX_WORDS` are not looked at.

    >>> errors("call my mother", "call me mother now"), errors("a b", "a b")
    (2, 0)
    """
    said, heard = reference.split()[:MAX_WORDS], transcript.split()[:MAX_WORDS]
    if said == heard:
        return 0
    found = jiwer.process_words(" ".join(said), " ".join(heard))
    return found.substitutions + found.deletions + found.insertions


def _stretches(*parts: tuple[Kind, list[str]]) -> tuple[Stretch, ...]:
    return tuple(Stretch(kind=kind, text=" ".join(words)) for kind, words in parts if words)
