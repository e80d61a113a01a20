from collections.abc import Iterator

import numpy as np

from secateur.decoding import NBest, best_path, decode, transcribe
from secateur.decoding.nbest import SILENCE
from speech import MELS, processor, recognizer

PROCESSOR = processor()


def utterances() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(size=(n, MELS)).astype(np.float32) for n in (37, 0, 80, 51)]


def test_each_decoder_has_a_list_per_utterance_in_their_order() -> None:
    model, features = recognizer(seed=1), utterances()
    one, two = decode(
        model, features, [best_path(PROCESSOR.batch_decode), lambda frames: NBest((str(len(frames)),), np.zeros(1))]
    )
    greedy = [" ".join(text.split()) for text in transcribe(model, PROCESSOR, features)]
    assert [found.texts[0] for found in one] == greedy
    assert [found.texts[0] for found in two] == ["10", "", "20", "13"]  # ceil(frames / 4)
    assert one[1] is two[1] is SILENCE


def test_the_model_hears_once_whatever_the_number_of_decoders() -> None:
    model = recognizer()
    calls: list[int] = []
    model.register_forward_pre_hook(lambda *_: calls.append(1))
    decode(model, utterances(), [best_path(PROCESSOR.batch_decode)] * 3)
    assert len(calls) == 1


def test_utterances_may_be_counted_as_they_come() -> None:
    seen: list[int] = []

    def watched(pairs: Iterator) -> Iterator:
        for index, frames in pairs:
            seen.append(index)
            yield index, frames

    decode(recognizer(), utterances(), [best_path(PROCESSOR.batch_decode)], watched=watched)
    assert sorted(seen) == [0, 2, 3]
