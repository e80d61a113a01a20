"""What a model is for: what it is trained on, and what it is judged by."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.utils.data import Dataset

from secateur.recipes import Recipe

Sets = Mapping[str, tuple[str, ...]]
"""Sets to measure on: name -> files that are read one after the other."""


@final
@dataclass(frozen=True)
class Training:
    """What is trained on."""

    dataset: Dataset[Any]
    """Asked for (epoch, index)."""

    sizes: npt.NDArray[np.float64]
    """Size of each example: seconds of speech, or tokens of text."""

    batch_size: float
    """How much of that a batch holds, about."""

    collate: Callable[[Sequence[Any]], Mapping[str, Tensor]]
    """Examples -> what the model's forward takes, labels among it."""


class Judged(ABC):
    """What a model made of the sets that it was measured on."""

    def measures(self) -> dict[str, Any]:
        """Return rates over all sets together, and per set where there are several; nothing where there is none."""
        sets = self.by_set()
        return next(iter(sets.values()), {}) if len(sets) < 2 else {**self.together(), "sets": sets}

    @abstractmethod
    def by_set(self) -> dict[str, dict[str, Any]]:
        """Return set -> its rates."""

    @abstractmethod
    def together(self) -> dict[str, Any]:
        """Return the rates over all sets, of which there is at least one."""

    @abstractmethod
    def compared(self, base: Any) -> dict[str, Any]:
        """Return how the rates differ from those of `base` on the same sets."""

    @abstractmethod
    def notes(self) -> dict[str, str]:
        """Return what must be known of how it was counted."""

    def extent(self) -> dict[str, float]:
        """Return how much it was, where the measures do not say so."""
        return {}


S = TypeVar("S")
"""A set as it is read."""

J = TypeVar("J", bound=Judged)
"""What a model makes of such sets."""


class Task(ABC, Generic[S, J]):
    """What jobs need to know of a kind of model."""

    metric: str
    """What validation is decided by; smaller is better."""

    @abstractmethod
    def load(self, name: str) -> Any:
        """Load a model, pruned or not, by folder or Hub id.

        Raises:
            ModelError: It cannot be loaded, or is of another kind.
        """

    @abstractmethod
    def load_processor(self, name: str) -> Any:
        """Load what turns files into the model's input and its output into text.

        Raises:
            ModelError: There is none.
        """

    @abstractmethod
    def start(self, recipe: Recipe) -> tuple[Any, Any]:
        """Make the model that the recipe's architecture describes, and its processor."""

    @abstractmethod
    def training(self, recipe: Recipe, model: Any, processor: Any, *, plain: bool = False) -> Training:
        """Read and select the training data of a recipe; `plain`, for scores, without augmentation.

        Raises:
            DataError: A file is wrong, or nothing can be trained on.
        """

    @abstractmethod
    def read(self, sets: Sets, model: Any, processor: Any) -> Sequence[S]:
        """Read sets to measure on.

        Raises:
            DataError: A file is wrong, or a set cannot be measured with this model.
        """

    @abstractmethod
    def judge(self, model: Any, processor: Any, sets: Sequence[S]) -> J:
        """Measure a model on sets; it is put in eval mode."""

    @abstractmethod
    def validate(self, model: Any, processor: Any, sets: Sequence[S]) -> Mapping[str, float]:
        """Return `metric` on average, sets counting alike, and per set as ``<metric>_<name>``."""

    @abstractmethod
    def record(self, path: Path, sets: Sequence[S], judged: Mapping[str, J]) -> None:
        """Write what each model made of each example."""
