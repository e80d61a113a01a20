"""How `secateur eval` is to decode; importing this takes no time."""

import math
from dataclasses import dataclass
from typing import Literal, final

from secateur.errors import RequestError
from secateur.recipes.names import MOST_TEXTS, NBEST


@final
@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How frames become text.

    Raises:
        RequestError: The fields contradict each other.
    """

    decoder: Literal["greedy", "beam"] = "greedy"
    """With language models, greedy means that they rescore what a search without them found, beam that they search."""

    lms: tuple[str, ...] = ()
    """Language models, each by itself: folders, Hub ids, n-grams (``.arpa``) or texts to make n-grams of (``.txt``)."""

    tune_on: tuple[str, ...] = ()
    """Manifests to tune `lm_weight` and `word_bonus` on."""

    lm_weight: float | None = None
    word_bonus: float | None = None
    nbest: int | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        given = self.lm_weight is not None, self.word_bonus is not None
        if not self.lms and (self.tune_on or any(given)):
            raise RequestError(
                "`--tune-on`, `--lm-weight` and `--word-bonus` are for language models; name one by `--lm`"
            )
        if self.tune_on and any(given):
            raise RequestError("`--tune-on` finds `--lm-weight` and `--word-bonus`; give either the one or the others")
        if self.lms and not self.tune_on and not all(given):
            raise RequestError(
                "`--lm` must come with `--tune-on MANIFEST`, speech that is not measured, or with both `--lm-weight` "
                "and `--word-bonus`: how much it counts is never tuned on the test set"
            )
        if self.nbest is not None and not (1 <= self.nbest <= MOST_TEXTS and self.searched):
            raise RequestError(
                f"`--nbest` must be 1 to {MOST_TEXTS}, for `--decoder beam` or `--lm`, but is {self.nbest} with "
                f"`--decoder {self.decoder}` and {len(self.lms)} language models"
            )
        _check("--lm-weight", self.lm_weight, lowest=0.0)
        _check("--word-bonus", self.word_bonus, lowest=-math.inf)

    @property
    def searched(self) -> bool:
        """Whether there is a beam at all."""
        return self.decoder == "beam" or bool(self.lms)

    @property
    def fuses(self) -> bool:
        """Whether language models take part in the search."""
        return self.decoder == "beam"

    @property
    def size(self) -> int:
        """Hypotheses that a search keeps."""
        return self.nbest or NBEST


def _check(option: str, value: float | None, *, lowest: float) -> None:
    if value is not None and not (math.isfinite(value) and value >= lowest):
        least = f" of at least {lowest:g}" if math.isfinite(lowest) else ""
        raise RequestError(f"`{option}` must be a finite number{least}, but is {value:g}")
