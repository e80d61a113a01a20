import io
import logging
import re
import subprocess
import sys
from typing import Any

import pytest

import secateur as package
from secateur.cli import FAILED, INTERRUPTED, VERBS, WRONG_REQUEST, _Lines, app
from secateur.errors import DataError, DivergedError


def words(text: str) -> str:
    """Without the line breaks and frames of a help page."""
    return re.sub(r"[\s│]+", " ", text)


def test_every_verb_of_the_contract_is_there() -> None:
    assert list(VERBS) == [
        "demo", "train", "prune", "plan", "sweep", "eval", "bench", "export", "transcribe", "report",
        "ls", "cat", "cp", "validate",
    ]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_help_ends_in_examples_of_the_verb(verb: str, secateur: Any) -> None:
    said = secateur(verb, "--help")
    assert (said.code, said.err) == (0, "")
    examples = [line.strip() for line in VERBS[verb][1].splitlines() if line.strip()]
    assert examples[0] == "Examples:"
    assert all(line.startswith(f"secateur {verb}") for line in examples[1:])
    assert words(said.out).rstrip().endswith(words(" ".join(examples)))


def test_help_lists_the_verbs_and_version_prints_it(secateur: Any) -> None:
    said = secateur("--help")
    assert said.code == 0
    assert all(f" {verb} " in said.out for verb in VERBS)
    assert secateur("--version") == (0, f"{package.__version__}\n", "")


WRONG = [
    (["prun"], "No such command 'prun'"),
    (["prune"], "Missing argument 'RECIPE'"),
    (["prune", "prune-half"], "Missing option '--out'"),
    (["prune", "prune-half", "--outt", "x"], "No such option"),
    (["sweep"], "Missing argument 'SWEEP'"),
    (["sweep", "demo-grid"], "Missing option '--out'"),
    (["sweep", "demo-grid", "--out", "x", "--cpus-per-cell", "0"], "greater than or equal to 1"),
    (["bench", "m", "--runtime", "tpu"], "must be one of torch, onnx, sparse"),
    (["bench", "m", "--threads", "0"], "greater than or equal to 1"),
    (["bench", "m", "--threads", "two"], "unable to parse string as an integer"),
    (["eval", "m"], "Missing option '--data'"),
    (["transcribe", "m"], "Missing argument 'AUDIO...'"),
    (["report"], "Missing argument 'DIR...'"),
]


@pytest.mark.parametrize(("arguments", "fragment"), WRONG)
def test_what_the_command_line_cannot_read_exits_2(arguments: list[str], fragment: str, secateur: Any) -> None:
    said = secateur(*arguments)
    assert (said.code, said.out) == (WRONG_REQUEST, "")
    assert fragment in words(said.err)


RAISED = [
    (DataError("a sentence"), WRONG_REQUEST, "secateur: a sentence\n"),
    (DivergedError("a sentence"), FAILED, "secateur: a sentence\n"),
    (OSError(28, "No space left on device"), FAILED, "secateur: [Errno 28] No space left on device\n"),
    (KeyboardInterrupt(), INTERRUPTED, "secateur: interrupted; a run with checkpoints goes on with --resume\n"),
]


@pytest.mark.parametrize(("error", "code", "sentence"), RAISED)
def test_errors_become_a_sentence_and_an_exit_code(
    error: BaseException, code: int, sentence: str, secateur: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("secateur.cli.app", fails)
    assert secateur("ls") == (code, "", sentence)


@pytest.mark.parametrize("arguments", [["--debug", "cat", "x"], ["cat", "x", "--debug"]])
def test_debug_shows_where_an_error_came_from(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from secateur.cli import main
    from secateur.errors import RequestError

    monkeypatch.setattr(sys, "argv", ["secateur", *arguments])
    with pytest.raises(RequestError, match="must be a shipped recipe"):
        main()


def test_our_messages_are_let_through(secateur: Any) -> None:
    secateur("ls")
    assert logging.getLogger("secateur").isEnabledFor(logging.INFO)


def test_an_app_of_ones_own_can_be_made_of_it() -> None:
    assert {command.name for command in app.registered_commands} == set(VERBS)


def test_what_reads_recipes_only_starts_without_torch() -> None:
    code = (
        "import sys; from secateur.cli import app; app(['ls'], standalone_mode=False); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_lines_go_where_standard_error_is_at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar takes its place while it is drawn."""
    handler, drawn = _Lines(), io.StringIO()
    monkeypatch.setattr("sys.stderr", drawn)
    handler.emit(logging.makeLogRecord({"msg": "epoch 1"}))
    assert drawn.getvalue() == "epoch 1\n"
