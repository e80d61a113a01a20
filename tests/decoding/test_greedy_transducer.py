"""Transducers write what a search by hand writes."""

from typing import Any

import numpy as np
import pytest
import torch

import tiny
from recognizers import Spelled
from secateur.decoding import transcribe
from secateur.families import hearing_of

SYMBOLS = 10


@torch.no_grad()
def by_hand(model: Any, features: np.ndarray) -> str:
    """Walk along the frames: a label is written and read, a blank goes on, by one frame or the duration."""
    speech = torch.from_numpy(features)[None]
    frames = model.get_audio_features(speech, torch.ones(1, len(features))).pooler_output[0]
    count = int(hearing_of(model).frames(model, torch.tensor([len(features)])))
    durations = list(getattr(model.config, "durations", ()))
    read, written, frame, here = [model.config.blank_token_id], [], 0, 0
    while frame < count:
        predicted = model.decoder(torch.tensor([read]))[0, -1]
        scores = model.joint(predicted, frames[frame])
        token = int(scores[: model.config.vocab_size].argmax())
        blank = token == model.config.blank_token_id
        if not blank:
            read.append(token)
            written.append(token)
        if durations:
            frame += max(int(scores[model.config.vocab_size :].argmax()), int(blank))
        else:
            here = 0 if blank else here + 1
            if blank or here == SYMBOLS:
                frame, here = frame + 1, 0
    return " ".join(str(token) for token in written if token != model.config.pad_token_id)


@pytest.mark.parametrize("name", ["rnnt", "tdt"])
def test_a_batch_is_written_as_a_search_by_hand_writes_each(name: str) -> None:
    model = tiny.MODELS[name]()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=generator))
        if name == "tdt":
            model.joint.head.bias[-2:] += 2.0  # else it stays on a frame for ever
    random = np.random.default_rng(0)
    speech = [random.standard_normal((length, tiny.MELS)).astype(np.float32) for length in (40, 3, 64, 21)]
    found = transcribe(model, Spelled(), speech)
    assert found == [by_hand(model, features) for features in speech]
    assert sum(map(len, found)) > 20
