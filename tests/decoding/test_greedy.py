from dataclasses import replace
from itertools import groupby
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from secateur.decoding import best_path, frames, transcribe
from secateur.decoding.frames import posteriors
from secateur.families import FAMILIES
from speech import MELS, processor, recognizer
from tiny import wav2vec2_conformer

PROCESSOR = processor()


class Spelling(nn.Module):
    """Writes what its input spells: frame t of the output is the token that feature frame 4 t holds in bin 0."""

    main_input_name = "input_features"

    def __init__(self) -> None:
        super().__init__()
        self.device_of = nn.Parameter(torch.zeros(1))
        self.config = SimpleNamespace(pad_token_id=0)
        self.batches: list[int] = []

    def _get_subsampling_output_length(self, frames: torch.Tensor) -> torch.Tensor:
        return (frames + 3) // 4

    def forward(self, features: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        self.batches.append(len(features))
        spelled = features[:, ::4, 0].long().masked_fill(~attention_mask[:, ::4], 5)  # padding would spell something
        return SimpleNamespace(logits=nn.functional.one_hot(spelled, 40).float())


@pytest.fixture(autouse=True)
def spelling_is_a_family(monkeypatch: pytest.MonkeyPatch) -> None:
    spelling = replace(FAMILIES["parakeet"], name="spelling", matches=lambda model: isinstance(model, Spelling))
    monkeypatch.setitem(FAMILIES, "spelling", spelling)


def spelled(tokens: list[int], *, frames: int | None = None) -> np.ndarray:
    rows = np.repeat(np.array(tokens, np.float32), 4)[:frames]
    return np.repeat(rows[:, None], 3, axis=1)


def by_hand(tokens: list[int]) -> str:
    merged = [token for token, _ in groupby(tokens) if token]
    return PROCESSOR.tokenizer.decode(merged, group_tokens=False).strip()


A, B, SPACE = 4, 5, 2


@pytest.mark.parametrize(
    "tokens",
    [[A], [A, A], [A, 0, A], [0, A, B, 0], [A, SPACE, B], [SPACE, A, SPACE], [0, 0], [A, A, 0, 0, A, B, B, 0, SPACE]],
)
def test_repeats_merge_and_blanks_leave(tokens: list[int]) -> None:
    assert transcribe(Spelling(), PROCESSOR, [spelled(tokens)]) == [by_hand(tokens)]


def test_padding_spells_nothing() -> None:
    texts = transcribe(Spelling(), PROCESSOR, [spelled([A]), spelled([B, 0, B, 0, A])])
    assert texts == [by_hand([A]), by_hand([B, 0, B, 0, A])]


def test_texts_come_in_the_order_of_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "BATCH_SECONDS", 0.4)
    random = np.random.default_rng(0)
    tokens = [random.integers(0, 30, size=random.integers(1, 12)).tolist() for _ in range(20)]
    model = Spelling()
    assert transcribe(model, PROCESSOR, [spelled(t) for t in tokens]) == [by_hand(t) for t in tokens]
    assert len(model.batches) > 5


def test_a_sound_without_a_single_frame_is_silent() -> None:
    empty = np.zeros((0, 3), np.float32)
    assert transcribe(Spelling(), PROCESSOR, [empty]) == [""]
    assert transcribe(Spelling(), PROCESSOR, [empty, spelled([A])]) == ["", by_hand([A])]


@pytest.mark.parametrize("frames", [0, 1, 2, 5])
def test_a_real_model_takes_the_shortest_sounds(frames: int) -> None:
    [text] = transcribe(recognizer(), PROCESSOR, [np.zeros((frames, MELS), np.float32)])
    assert isinstance(text, str)
    assert frames or text == ""


def test_the_text_of_an_utterance_does_not_hang_on_its_batch() -> None:
    model, random = recognizer(seed=1), np.random.default_rng(0)
    features = [random.normal(size=(n, MELS)).astype(np.float32) for n in (37, 80, 51)]
    together = transcribe(model, PROCESSOR, features)
    assert together == [transcribe(model, PROCESSOR, [one])[0] for one in features]
    assert any(together)


def test_the_model_is_put_into_eval_mode() -> None:
    model = recognizer().train()
    transcribe(model, PROCESSOR, [np.zeros((8, MELS), np.float32)])
    assert not model.training


def test_the_best_path_of_frames_is_the_same_text_with_the_probability_of_that_path() -> None:
    model, random = recognizer(seed=1), np.random.default_rng(0)
    features = [random.normal(size=(n, MELS)).astype(np.float32) for n in (37, 80)]
    texts = transcribe(model, PROCESSOR, features)
    decoder = best_path(PROCESSOR.batch_decode)
    for index, log_probs in posteriors(model, features):
        found = decoder(log_probs)
        assert found.texts == (" ".join(texts[index].split()),)
        assert found.scores == pytest.approx([sum(max(row) for row in log_probs.tolist())], rel=1e-5)


def test_a_model_whose_convolutions_see_padding_hears_one_utterance_at_a_time() -> None:
    model = wav2vec2_conformer()
    random = np.random.default_rng(0)
    samples = [random.normal(size=n).astype(np.float32) for n in (500, 10, 800, 640)]
    heard: list[tuple[int, ...]] = []
    model.register_forward_pre_hook(lambda _, inputs, given: heard.append(tuple(inputs[0].shape)), with_kwargs=True)
    texts = transcribe(model, PROCESSOR, samples)
    assert heard == [(1, 500), (1, 800), (1, 640)]  # ten samples are not a single frame
    assert texts[1] == ""
    assert texts == [transcribe(model, PROCESSOR, [one])[0] for one in samples]
