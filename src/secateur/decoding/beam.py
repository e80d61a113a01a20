r"""CTC beam search without a language model, by flashlight-text: the N best texts of an utterance.

.. math:: p(text | sound) = \sum_{paths \to text} \prod_t p(token_t | frame_t)

summed over the paths that the beam keeps: hypotheses are prefixes of texts, and paths to the same prefix are one.

Source: Graves et al. 2006; the prefix search as in Hannun et al. 2014 (arXiv 1408.2873).
"""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from secateur.decoding.flashlight import part
from secateur.decoding.nbest import Decode, NBest, n_best
from secateur.decoding.spelling import tidy

decoder: Any = part("decoder", purpose="beam search runs")

TOKENS = 16
"""Tokens tried per frame: of thirty characters, more than ten change no error rate on AN4's validation set."""

THRESHOLD = 25.0
"""Hypotheses this many nats below the best are dropped: 1e-11 of its probability."""

NO_TRANSITIONS: Sequence[float] = ()
"""CTC has none; flashlight's other criterion does."""


@final
class Beam:
    """A search for the N best texts."""

    def __init__(self, decode: Decode, *, blank: int, size: int) -> None:
        """`decode` writes the texts of paths, a token per frame; `blank` is the CTC blank; `size` bounds N."""
        self._decode = decode
        self._search: Any = decoder.LexiconFreeDecoder(options(size), decoder.ZeroLM(), blank, blank, NO_TRANSITIONS)

    def __call__(self, log_probs: NDArray[np.float32]) -> NBest:
        """Search ln p(token | frame), shape (T, V)."""
        emissions = np.ascontiguousarray(log_probs, dtype=np.float32)
        found = self._search.decode(emissions.ctypes.data, *emissions.shape)
        texts = self._decode([hypothesis.tokens for hypothesis in found])
        return n_best(zip(map(tidy, texts), (hypothesis.score for hypothesis in found), strict=True))


def options(size: int) -> Any:
    """Return flashlight's options for a search that adds up paths and leaves all weights to its language model.

    No token is its silence: a word boundary is a token like any other, so the blank is named instead.
    """
    return decoder.LexiconFreeDecoderOptions(
        beam_size=size,
        beam_size_token=TOKENS,
        beam_threshold=THRESHOLD,
        lm_weight=1.0,
        sil_score=0.0,
        log_add=True,
        criterion_type=decoder.CriterionType.CTC,
    )
