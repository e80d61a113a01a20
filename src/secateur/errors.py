"""Everything secateur raises on purpose.

    SecateurError
    ├── RequestError            the request was wrong; the command line exits 2
    │   ├── RecipeError         one or more recipe fields; all of them are listed
    │   ├── DataError           a manifest, an audio file, a text
    │   ├── TargetError         a size that cannot be reached, or already is
    │   ├── ModelError          a model folder, a family, a processor
    │   └── MissingExtraError   an optional dependency is not installed
    └── WorkError               the work failed; the command line exits 1
        └── DivergedError       the loss stopped being a finite number

A message names the argument, the requirement, what arrived, and what to do.
"""

from collections.abc import Sequence
from typing import final


class SecateurError(Exception):
    """Base of every error that secateur raises on purpose."""


class RequestError(SecateurError):
    """The request was wrong: nothing has been done and nothing was written."""


class WorkError(SecateurError):
    """The request was right but the work failed."""


@final
class RecipeError(RequestError):
    """One or more problems in a recipe, listed together.

    >>> str(RecipeError(["`seed` must be an integer, but is 'a'"]))
    "`seed` must be an integer, but is 'a'"
    >>> print(RecipeError(["one", "two"]))
    2 problems:
      - one
      - two
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        lines = self.problems if len(self.problems) == 1 else (f"{len(self.problems)} problems:", *self._bullets())
        super().__init__("\n".join(lines))

    def _bullets(self) -> list[str]:
        return [f"  - {problem}" for problem in self.problems]


@final
class DataError(RequestError):
    """A manifest, an audio file or a transcript cannot be used."""


@final
class TargetError(RequestError):
    """The target size cannot be reached, or is already met."""


@final
class ModelError(RequestError):
    """A model folder cannot be loaded, or its family is not supported for what was asked."""


@final
class MissingExtraError(RequestError):
    """An optional dependency is missing.

    >>> print(MissingExtraError("espeakng_loader", extra="demo", purpose="the demo speaks its corpus"))
    the demo speaks its corpus with `espeakng_loader`, which is not installed; run `pip install 'secateur[demo]'`
    """

    def __init__(self, module: str, *, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} with `{module}`, which is not installed; run `pip install 'secateur[{extra}]'`")


@final
class DivergedError(WorkError):
    """The training loss became NaN or infinite; the last good state is kept."""
