"""Prunes speech recognizers: a smaller model that loads with one line, and a table that says what it cost.

Importing it is what makes ``AutoModelForCTC.from_pretrained`` open pruned folders. The verbs of the command line are
functions here: `train`, `prune`, `plan`, `sweep`, `evaluate`, `bench`, `export`, `transcribe`; `attach` adds pruning to
a Trainer of yours.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from secateur import autoload

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from secateur.api import (
        Attached,
        Cluster,
        Decoding,
        attach,
        bench,
        evaluate,
        export,
        plan,
        prune,
        sweep,
        train,
        transcribe,
    )

__all__ = [
    "Attached",
    "Cluster",
    "Decoding",
    "__version__",
    "attach",
    "bench",
    "evaluate",
    "export",
    "plan",
    "prune",
    "sweep",
    "train",
    "transcribe",
]


def __getattr__(name: str) -> Any:
    """Import the verbs when they are first used: opening a pruned folder needs none of them."""
    if name in __all__:
        return getattr(import_module("secateur.api"), name)
    raise AttributeError(f"module 'secateur' has no attribute {name!r}")


autoload.install()
