"""`secateur demo`: the main job on speech that is made on the spot."""

import logging
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from secateur.data.demo import Corpus, make
from secateur.jobs import folder
from secateur.jobs.prune import prune
from secateur.jobs.train import train
from secateur.recipes import Recipe, Verb, load

logger = logging.getLogger(__name__)

SPEECH, DENSE, PRUNED = "speech", "dense", "pruned"

CHECKPOINT = files("secateur") / "recipes" / "demo-dense"
"""The dense recognizer that comes along: what `demo-train` made, so that the demo has minutes for the pruning."""


def demo(
    out: Path,
    *,
    from_scratch: bool = False,
    overwrite: bool = False,
    corpus: Callable[[Path], Corpus] = make,
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """Speak a corpus, take (or train) a dense recognizer of it, prune it to half, measure; return the prune's report.

    `corpus` writes the speech into a folder; `overrides` are ``key=value`` for both recipes.

    Raises:
        MissingExtraError: The extra ``demo`` is not installed.
        RequestError: `out` holds a run and `overwrite` is not given.
    """
    folder.claim(out / PRUNED, resume=False, overwrite=overwrite)
    logger.info("speaking the corpus into %s", out / SPEECH)
    corpus(out / SPEECH)
    if from_scratch:
        logger.info("training the dense recognizer")
        recipe = _recipe("demo-train", out, overrides, verb="train")
        train(recipe, out / DENSE, overwrite=overwrite, command="secateur demo --from-scratch")
        return _prune(out, out / DENSE / folder.MODEL, overrides, overwrite=overwrite)
    with as_file(CHECKPOINT) as checkpoint:
        return _prune(out, checkpoint, overrides, overwrite=overwrite)


def _prune(out: Path, dense: Path, overrides: Sequence[str], *, overwrite: bool) -> dict[str, Any]:
    logger.info("pruning it to half, training as it goes")
    recipe = _recipe("demo-prune", out, [f"model={dense}", *overrides], verb="prune")
    return prune(recipe, out / PRUNED, overwrite=overwrite, command="secateur demo")


def _recipe(name: str, out: Path, overrides: Sequence[str], *, verb: Verb) -> Recipe:
    """Load a shipped recipe onto the speech of this demo."""
    sets = [f"data.{split}={out / SPEECH / split}.jsonl" for split in ("train", "valid", "test")]
    return load(name, [*sets, *overrides], verb=verb)
