import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

import tiny
from recognizers import Spelled
from secateur.decoding import transcribe
from secateur.errors import ModelError, RequestError
from secateur.runtime import SparseLinear, accelerate, choices
from secateur.runtime.recurrent import Recurrent
from sparse_weights import zeroed


def around(lstm: torch.nn.LSTM) -> torch.nn.Module:
    return zeroed(torch.nn.ModuleDict({"lstm": lstm}))


SHAPES = [{}, {"num_layers": 2}, {"batch_first": True}, {"bias": False, "num_layers": 3, "batch_first": True}]


@pytest.mark.parametrize("kwargs", SHAPES, ids=str)
@pytest.mark.parametrize("given", [False, True], ids=["from zeros", "from a state"])
@pytest.mark.parametrize("batch", [None, 1, 3])
def test_it_does_what_the_lstm_did(kwargs, given: bool, batch: int | None) -> None:
    model = around(torch.nn.LSTM(40, 48, **kwargs))
    layers = kwargs.get("num_layers", 1)
    input = torch.randn(7, 40) if batch is None else torch.randn(7, batch, 40)
    if batch and kwargs.get("batch_first"):
        input = input.transpose(0, 1)
    shape = (layers, 48) if batch is None else (layers, batch, 48)
    state = (torch.randn(shape), torch.randn(shape)) if given else None
    with torch.inference_mode():
        want, (output, cell) = model["lstm"](input, state)
        accelerate(model, values="fp32", choose="sparse")
        found, (last, held) = model["lstm"](input, state)
    assert isinstance(model["lstm"], Recurrent)
    for ours, theirs in ((found, want), (last, output), (held, cell)):
        assert ours.shape == theirs.shape
        assert (ours - theirs).abs().max() < 1e-5


def test_every_matrix_is_chosen_for() -> None:
    model = accelerate(around(torch.nn.LSTM(40, 48, num_layers=2)), choose="sparse")
    assert [choice.layer for choice in choices(model)] == [
        f"lstm.layers.{layer}.{matrix}" for layer in (0, 1) for matrix in ("input", "recurrent")
    ]
    assert sum(isinstance(layer, SparseLinear) for layer in model.modules()) == 4


def test_what_has_no_zeros_or_another_shape_stays() -> None:
    dense = torch.nn.ModuleDict({"lstm": torch.nn.LSTM(40, 48)}).eval()
    both = around(torch.nn.LSTM(40, 48, bidirectional=True))
    projected = around(torch.nn.LSTM(40, 48, proj_size=8))
    for model in (dense, both, projected):
        assert type(accelerate(model, choose="sparse")["lstm"]) is torch.nn.LSTM


@pytest.mark.parametrize("make", [tiny.rnnt, tiny.tdt])
def test_a_transducer_writes_the_same(make) -> None:
    model = zeroed(make(decoder=48))
    speech = [np.random.default_rng(0).standard_normal((frames, tiny.MELS)).astype(np.float32) for frames in (90, 60)]
    before = transcribe(model, Spelled(), speech)
    after = transcribe(accelerate(model, values="fp32", choose="sparse"), Spelled(), speech)
    assert isinstance(model.decoder.lstm, Recurrent)
    assert after == before
    assert any(before)


def test_what_it_cannot_read_is_refused() -> None:
    lstm = accelerate(around(torch.nn.LSTM(40, 48)), choose="sparse")["lstm"]
    with pytest.raises(RequestError, match="must read a tensor, but gets a PackedSequence"):
        lstm(pack_sequence([torch.randn(3, 40)]))

    broken = around(torch.nn.LSTM(40, 48))
    with torch.no_grad():
        broken["lstm"].weight_hh_l0[0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"`lstm.layers.0.recurrent.weight` has not"):
        accelerate(broken, choose="sparse")
