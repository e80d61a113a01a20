r"""CTC beam search with shallow fusion: a language model takes part whenever a hypothesis completes a word.

.. math:: \ln p(prefix | sound) + weight \cdot \ln p(words) + bonus \cdot |words|

with the words of the prefix that are complete; once the sound is over, all of them and the end. So what the search
maximizes is what rescoring does. The vocabulary is open: there is no lexicon.

A language model takes many texts at once better than one by one. flashlight asks for one at a time, so the frames are
given one by one too, and before a frame that may end a word all words that may end there are scored together.

Source: Gulcehre et al. 2015 (arXiv 1503.03535); per word as in Hannun et al. 2014 (arXiv 1408.2873).
"""

from collections.abc import Iterable, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from secateur.decoding.beam import NO_TRANSITIONS, decoder, options
from secateur.decoding.nbest import Decode, NBest, n_best
from secateur.decoding.scored import Scorer, Weights
from secateur.decoding.spelling import spell, tidy

UNLIKELY = 12.0
"""Tokens this many nats below the best of their frame are not tried: 6e-6 of its probability."""


@final
class Words:
    """A language model's share in the score of texts, asked once for each."""

    def __init__(self, scorer: Scorer, weights: Weights) -> None:
        """`scorer` is asked with `weights`."""
        self._scorer, self._weights = scorer, weights
        self._begun: dict[str, float] = {}
        self._ended: dict[str, float] = {}

    def prepare(self, texts: Iterable[str]) -> None:
        """Score together what has not been scored."""
        new = [text for text in dict.fromkeys(map(tidy, texts)) if text not in self._begun]
        if new:
            found = self._scorer(new)
            bonus = self._weights.bonus * found.words
            self._begun.update(zip(new, (self._weights.lm * found.begun + bonus).tolist(), strict=True))
            self._ended.update(zip(new, (self._weights.lm * found.ended + bonus).tolist(), strict=True))

    def forget(self) -> None:
        """Let go of all scores: no other utterance begins as this one did, for long."""
        self._begun.clear()
        self._ended.clear()

    def begun(self, text: str) -> float:
        """Return what the words of a text are worth, whatever follows."""
        return self._look_up(self._begun, text)

    def ended(self, text: str) -> float:
        """Return what they are worth as the whole."""
        return self._look_up(self._ended, text)

    def _look_up(self, table: dict[str, float], text: str) -> float:
        text = tidy(text)
        if text not in table:
            self.prepare([text])
        return table[text]


@final
class Guide(decoder.LM):
    """What flashlight asks of a language model, over the hypotheses of one utterance."""

    def __init__(self, words: Words, pieces: Sequence[str]) -> None:
        """`pieces` are what tokens write."""
        super().__init__()
        self._words, self._pieces = words, pieces
        self._texts: dict[Any, str] = {}  # holds every state: flashlight knows them by their place in memory
        self.likely: Sequence[bool] = ()
        """Tokens that the next frame may be."""

    def start(self, start_with_nothing: bool) -> Any:
        """Return the state of no text."""
        state = decoder.LMState()
        self._texts[state] = ""
        return state

    def score(self, state: Any, token: int) -> tuple[Any, float]:
        """Return the state after a token, and what a word that it completes adds."""
        if not self.likely[token]:
            return state, -np.inf
        before, following = self._texts[state], state.child(token)
        text = self._texts.setdefault(following, before + self._pieces[token])
        if " " not in self._pieces[token]:
            return following, 0.0
        return following, self._words.begun(complete(text)) - self._words.begun(complete(before))

    def finish(self, state: Any) -> tuple[Any, float]:
        """Return what the last word and the end add."""
        text = self._texts[state]
        return state, self._words.ended(text) - self._words.begun(complete(text))


def complete(text: str) -> str:
    """Return the words that are behind the last space.

    >>> complete("turn the li"), complete("turn the "), complete("turn")
    ('turn the', 'turn the', '')
    """
    return text.rpartition(" ")[0]


@final
class FusedBeam:
    """A search for the N best texts under sound and language."""

    def __init__(
        self,
        decode: Decode,
        words: Words,
        *,
        pieces: Sequence[str],
        blank: int,
        size: int,
    ) -> None:
        """As `secateur.decoding.beam.Beam`; `pieces` are what tokens write."""
        self._decode, self._words, self._pieces = decode, words, pieces
        self._blank, self._options = blank, options(size)
        self._ends_word = np.array([" " in piece for piece in pieces])

    def __call__(self, log_probs: NDArray[np.float32]) -> NBest:
        """Search ln p(token | frame), shape (T, V)."""
        self._words.forget()
        emissions = np.ascontiguousarray(log_probs, dtype=np.float32)
        guide = Guide(self._words, self._pieces)
        search = decoder.LexiconFreeDecoder(self._options, guide, self._blank, self._blank, NO_TRANSITIONS)
        likely = emissions >= emissions.max(1, keepdims=True) - UNLIKELY
        search.decode_begin()
        for frame, possible in zip(emissions, likely, strict=True):
            guide.likely = possible.tolist()
            if (possible & self._ends_word).any():
                self._prepare(search)
            search.decode_step(frame.ctypes.data, 1, len(frame))
        self._prepare(search)
        search.decode_end()
        found = search.get_all_final_hypothesis()
        texts = self._decode([hypothesis.tokens for hypothesis in found])
        return n_best(zip(map(tidy, texts), (hypothesis.score for hypothesis in found), strict=True))

    def _prepare(self, search: Any) -> None:
        """Score the texts of all hypotheses: each may have just come to the end of a word."""
        self._words.prepare(spell(hypothesis.tokens, self._pieces) for hypothesis in search.get_all_final_hypothesis())
