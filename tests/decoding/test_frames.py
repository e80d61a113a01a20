from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from secateur.decoding import frames as module
from secateur.decoding.frames import frames, hear, posteriors
from secateur.errors import ModelError
from speech import MELS, recognizer

LENGTHS = (37, 80, 51)


def utterances(lengths: tuple[int, ...] = LENGTHS) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(size=(n, MELS)).astype(np.float32) for n in lengths]


def test_frames_beyond_the_utterance_are_outside() -> None:
    mask = torch.arange(40) < torch.tensor([40, 13])[:, None]
    logits, inside = hear(recognizer(seed=1), torch.randn(2, 40, MELS), mask)
    assert logits.shape[:2] == inside.shape == (2, 10)
    assert inside.sum(1).tolist() == [10, 4]  # ceil(13 / 4)


def test_posteriors_are_those_of_the_utterance_alone() -> None:
    model, features = recognizer(seed=1), utterances()
    found = dict(posteriors(model, features))
    assert sorted(found) == [0, 1, 2]
    for index, feature in enumerate(features):
        alone = model(torch.from_numpy(feature)[None], attention_mask=torch.ones(1, len(feature), dtype=torch.bool))
        assert found[index] == pytest.approx(alone.logits[0].log_softmax(-1).detach().numpy(), abs=1e-4)
        assert np.exp(found[index]).sum(1) == pytest.approx(np.ones(len(found[index])), abs=1e-5)


def test_a_model_that_says_no_numbers_is_refused() -> None:
    model = recognizer()
    with torch.no_grad():
        model.ctc_head.bias[0] = torch.nan
    with pytest.raises(ModelError, match="must say numbers of its frames, but ParakeetForCTC says NaN"):
        list(posteriors(model, utterances()))


def test_every_utterance_is_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_SECONDS", 0.9)
    batches = list(frames(recognizer(), utterances()))
    assert len(batches) == 2
    assert sorted(index for batch in batches for index in batch.indices) == [0, 1, 2]


def test_what_is_too_short_for_a_frame_is_in_no_batch() -> None:
    assert [index for index, _ in posteriors(recognizer(), utterances((0, 37)))] == [1]
    assert list(posteriors(recognizer(), utterances((0,)))) == []


def test_the_model_is_put_into_eval_mode() -> None:
    model = recognizer().train()
    next(frames(model, utterances()))
    assert not model.training


@pytest.mark.parametrize("make", [tiny.wav2vec2_conformer, tiny.wav2vec2_bert], ids=["conformer", "bert"])
def test_a_model_that_was_heard_trains_on(make: Callable[..., Any]) -> None:
    model = make(position_embeddings_type="rotary", layerdrop=0.0).float()  # it keeps positions of the last length
    batch = tiny.labelled_for(model)
    heard = [row[mask].numpy() for row, mask in zip(batch[model.main_input_name], batch["attention_mask"], strict=True)]
    list(frames(model, [heard[0], heard[0]]))
    alone = {**batch, model.main_input_name: batch[model.main_input_name][:1]}
    alone |= {key: batch[key][:1] for key in ("attention_mask", "labels")}
    model.train()(**alone).loss.backward()
