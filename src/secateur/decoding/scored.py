"""What a language model says of texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray


@final
@dataclass(frozen=True, eq=False)
class Scored:
    """Natural logarithms, one entry per text."""

    begun: NDArray[np.float64]
    """ln p(words | beginning), whatever follows."""

    ended: NDArray[np.float64]
    """ln p(words, end | beginning)."""

    words: NDArray[np.int64]
    """How many words there are, the end not counted."""


Scorer = Callable[[Sequence[str]], Scored]
"""A language model, Transformer or n-gram, as decoding sees it."""


@final
@dataclass(frozen=True)
class Weights:
    """What a language model counts beside the sound: ``ln p(text | sound) + lm * ln p(text) + bonus * words``."""

    lm: float
    """`lm_weight`."""

    bonus: float
    """`word_bonus`, in nats: language models prefer few words."""
