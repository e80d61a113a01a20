"""Several ways to decode the same frames: the model hears each utterance once."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.decoding.frames import Heard, posteriors
from secateur.decoding.nbest import SILENCE, Decoder, NBest

Utterances = Iterable[tuple[int, NDArray[np.float32]]]
"""Which utterance, and its frames."""


def decode(
    model: Any,
    features: Heard,
    decoders: Sequence[Decoder],
    *,
    watched: Callable[[Utterances], Utterances] = iter,
) -> list[list[NBest]]:
    """Return, per decoder, a list for every utterance in the order given; `watched` may count them as they come.

    What is too short for a single frame is silent. The model is put into eval mode and left there.
    """
    found = [[SILENCE] * len(features) for _ in decoders]
    for index, log_probs in watched(posteriors(model, features)):
        for lists, decoder in zip(found, decoders, strict=True):
            lists[index] = decoder(log_probs)
    return found
