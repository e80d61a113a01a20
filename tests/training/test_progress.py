import io
import logging
from typing import Any

import pytest
from rich.console import Console
from transformers import TrainerState

from secateur.training import ProgressBar

STATE = TrainerState(global_step=3, max_steps=9, epoch=1.0)


def test_off_a_terminal_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar("training")
    bar.on_train_begin(None, STATE, None)
    bar.on_step_end(None, STATE, None)
    bar.on_log(None, STATE, None, logs={"loss": 1.0})
    bar.on_train_end(None, STATE, None)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_on_a_terminal_there_are_steps_and_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()

    def terminal(**_: Any) -> Console:
        return Console(file=screen, force_terminal=True, width=120)

    monkeypatch.setattr("secateur.training.progress.Console", terminal)
    bar = ProgressBar("pruning")
    bar.on_train_begin(None, STATE, None)
    bar.on_log(None, STATE, None, logs={"loss": "1.2345"})
    bar.on_step_end(None, STATE, None)
    bar.on_train_end(None, STATE, None)
    assert "pruning" in screen.getvalue()
    assert "3/9" in screen.getvalue()
    assert "loss 1.234" in screen.getvalue()


def test_each_evaluation_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ProgressBar("training").on_evaluate(None, STATE, None, metrics={"eval_wer": 0.125})
    assert caplog.messages == ["training: epoch 1, step 3 of 9, validation WER 12.5 %"]


def test_an_evaluation_without_a_word_error_rate_is_not(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ProgressBar("training").on_evaluate(None, STATE, None, metrics={"eval_loss": 0.125})
    assert caplog.messages == []


def test_the_bar_may_be_stopped_twice_and_before_it_starts() -> None:
    bar = ProgressBar("training")
    bar.stop()
    bar.stop()
