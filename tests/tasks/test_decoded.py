from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flashlight.lib.text", reason="needs the extra `decoding`")

from secateur.decoding import NBest, Scored, Weights, transcribe
from secateur.decoding.frames import posteriors
from secateur.evaluation import word_errors
from secateur.tasks import SPEECH
from secateur.tasks.decoded import Recognizer, Tuned, decoded, edits_of, recognizer, search, tuned
from secateur.tasks.heard import SpeechSet
from secateur.tasks.language import Language
from speech import TEXTS, alone, processor, write_manifest
from speech import recognizer as tiny_recognizer

__all__ = ["alone"]

WEIGHTS = Weights(0.7, 0.4)


def dislikes_long_words(texts: Sequence[str]) -> Scored:
    nats = np.array([-float(sum(len(word) ** 1.5 for word in text.split())) for text in texts])
    return Scored(nats, nats - 1, np.array([len(text.split()) for text in texts]))


LANGUAGE = Language("short", dislikes_long_words, frozenset("abc"))


@pytest.fixture
def hearer() -> Recognizer:
    return recognizer("tiny", tiny_recognizer(seed=2), processor(), nbest=12)


@pytest.fixture
def sets(tmp_path: Path, hearer: Recognizer) -> list[SpeechSet]:
    files = {name: (str(write_manifest(tmp_path / f"{name}.jsonl", texts)),) for name, texts in
             {"one": TEXTS[:5], "two": TEXTS[5:]}.items()}  # fmt: skip
    return list(SPEECH.read(files, hearer.model, hearer.processor))


def by_hand(hearer: Recognizer, s: SpeechSet) -> list[dict[str, float]]:
    """Text -> score, per utterance, searched one by one."""
    found = {index: hearer.beam()(frames) for index, frames in posteriors(hearer.model, s.features)}
    return [dict(zip(found[i].texts, found[i].scores.tolist(), strict=True)) for i in range(len(s.utterances))]


def test_every_row_has_the_texts_of_its_way_of_decoding(hearer: Recognizer, sets: list[SpeechSet]) -> None:
    found = decoded([search(hearer, s, watched=iter) for s in sets], [(LANGUAGE, Tuned(WEIGHTS))])
    for s in sets:
        lists = by_hand(hearer, s)

        def score(text: str, sound: float) -> float:
            return sound + WEIGHTS.lm * dislikes_long_words([text]).ended[0] + WEIGHTS.bonus * len(text.split())

        greedy = [" ".join(text.split()) for text in transcribe(hearer.model, hearer.processor, s.features)]
        assert found.greedy.hypotheses[s.name] == greedy
        assert found.beam.hypotheses[s.name] == [max(texts, key=lambda t, of=texts: of[t]) for texts in lists]
        rescored = [max(texts, key=lambda t, of=texts: score(t, of[t])) for texts in lists]
        assert found.languages[0].heard.hypotheses[s.name] == rescored
        assert rescored != found.beam.hypotheses[s.name]


def test_the_oracle_knows_the_reference(hearer: Recognizer, sets: list[SpeechSet]) -> None:
    found = decoded([search(hearer, s, watched=iter) for s in sets], [])
    for s in sets:
        fewest = [
            min(int(word_errors(["x", utterance.text], ["x", text]).word_edits[1]) for text in texts)
            for utterance, texts in zip(s.utterances, by_hand(hearer, s), strict=True)
        ]
        assert found.oracle.errors[s.name].word_edits.tolist() == fewest
        assert found.oracle.errors[s.name].word_edits.sum() <= found.beam.errors[s.name].word_edits.sum()


def test_a_language_model_that_searches_finds_what_rescoring_all_texts_would(
    hearer: Recognizer, sets: list[SpeechSet]
) -> None:
    pairs = [(LANGUAGE, Tuned(WEIGHTS))]
    [fused] = decoded([search(hearer, s, fused=pairs, watched=iter) for s in sets], pairs).languages
    decoder = hearer.fused(LANGUAGE, WEIGHTS)
    for s in sets:
        expected = {index: decoder(frames).texts[0] for index, frames in posteriors(hearer.model, s.features)}
        assert fused.heard.hypotheses[s.name] == [expected[i] for i in range(len(s.utterances))]
    assert fused.tuned.seconds_per_hypothesis is None


def test_weights_are_tuned_on_the_words_that_are_wrong(hearer: Recognizer, sets: list[SpeechSet]) -> None:
    """What is likely in language, and the third to be heard, is what was said."""
    third = [sorted(texts, key=lambda text, of=texts: -of[text])[2] for texts in by_hand(hearer, sets[0])]
    said = tuple(replace(utterance, text=text) for utterance, text in zip(sets[0].utterances, third, strict=True))
    spoken = replace(sets[0], utterances=said)

    def knows_it(texts: Sequence[str]) -> Scored:
        nats = np.array([-6.0 * (text not in third) for text in texts])
        return Scored(nats, nats, np.array([len(text.split()) for text in texts]))

    helpful = Language("helpful", knows_it, frozenset("abc"))
    searched = search(hearer, spoken, watched=iter)
    [found] = tuned(searched, [helpful])
    assert found.weights.lm > 0
    assert found.seconds_per_hypothesis is not None
    assert found.seconds_per_hypothesis > 0
    heard = decoded([searched], [(helpful, found)])
    assert heard.oracle.errors["one"].wer == 0
    assert heard.languages[0].heard.errors["one"].wer < heard.beam.errors["one"].wer


def test_edits_are_of_every_text_of_every_list(hearer: Recognizer, sets: list[SpeechSet]) -> None:
    s = sets[0]  # yes, no, go on, stop it, a cat
    lists = [NBest(texts, np.zeros(len(texts))) for texts in
             [("yes", "Yes!", "yes yes"), ("",), ("go", "no"), ("stop it",), ("a", "a cat sat", "b")]]  # fmt: skip
    assert [edits.tolist() for edits in edits_of(s, lists)] == [[0, 0, 1], [1], [1, 2], [0], [1, 1, 2]]
