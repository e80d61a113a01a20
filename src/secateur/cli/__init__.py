"""The command line: one file per verb."""

import logging
import os
import sys
from typing import Annotated, Any

import typer

from secateur import __version__
from secateur.cli import (
    bench,
    cat,
    cp,
    demo,
    evaluate,
    export,
    ls,
    plan,
    prune,
    report,
    sweep,
    train,
    transcribe,
    validate,
)
from secateur.errors import RequestError, SecateurError

VERBS = {
    "demo": (demo.demo, demo.EXAMPLES),
    "train": (train.train, train.EXAMPLES),
    "prune": (prune.prune, prune.EXAMPLES),
    "plan": (plan.plan, plan.EXAMPLES),
    "sweep": (sweep.sweep, sweep.EXAMPLES),
    "eval": (evaluate.evaluate, evaluate.EXAMPLES),
    "bench": (bench.bench, bench.EXAMPLES),
    "export": (export.export, export.EXAMPLES),
    "transcribe": (transcribe.transcribe, transcribe.EXAMPLES),
    "report": (report.report, report.EXAMPLES),
    "ls": (ls.ls, ls.EXAMPLES),
    "cat": (cat.cat, cat.EXAMPLES),
    "cp": (cp.cp, cp.EXAMPLES),
    "validate": (validate.validate, validate.EXAMPLES),
}

FAILED, WRONG_REQUEST, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    help="Prunes speech recognizers: a smaller model that loads with one line, and a table that says what it cost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb, (function, examples) in VERBS.items():
    app.command(verb, epilog=examples)(function)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Take what comes before the verb."""


def main() -> None:
    """Run the command line; errors of ours become a sentence on standard error and an exit code."""
    _quiet_libraries()
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except (SecateurError, OSError) as error:
        if debug:
            raise
        print(f"secateur: {error}", file=sys.stderr)
        sys.exit(WRONG_REQUEST if isinstance(error, RequestError) else FAILED)
    except KeyboardInterrupt:
        print("secateur: interrupted; a run with checkpoints goes on with --resume", file=sys.stderr)
        sys.exit(INTERRUPTED)


class _Lines(logging.StreamHandler[Any]):
    """Writes to what standard error is at the time: while a bar is drawn, that keeps lines above it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        self.setStream(sys.stderr)
        super().emit(record)


def _quiet_libraries() -> None:
    """Let our own messages through to standard error, and of the libraries only errors."""
    logging.basicConfig(level=logging.ERROR, format="%(message)s", handlers=[_Lines()])
    logging.getLogger("secateur").setLevel(logging.INFO)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
