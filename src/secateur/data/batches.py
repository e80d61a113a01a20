"""Batches of examples of like size, the same in every run with the same seed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import Dataset

from secateur.data.features import Features

SIZE_JITTER = 0.1
"""Relative noise on sizes before sorting, so that batches mix differently every epoch yet stay alike in length."""

IGNORED_LABEL = -100
"""What the models of `transformers` ignore in `labels`."""

Draw = tuple[int, int]
"""(epoch, index): what a batch asks the dataset for. The epoch makes augmentation a function of its argument, so a
resumed run draws what an uninterrupted one does."""


@final
@dataclass(frozen=True)
class Example:
    """One utterance, ready to be padded: features (T, M) or samples (T,), and token ids (S,)."""

    features: npt.NDArray[np.float32]
    labels: tuple[int, ...]


@final
class SpeechDataset(Dataset[Example]):
    """Utterances as features and labels, augmented by (seed, epoch, index) alone."""

    def __init__(
        self,
        by_speed: Sequence[Features],
        labels: Sequence[tuple[int, ...]],
        *,
        mask: Callable[[npt.NDArray[np.float32], np.random.Generator], npt.NDArray[np.float32]] | None = None,
        seed: int = 0,
    ) -> None:
        """`by_speed` holds the same utterances once per playing speed; one speed is drawn per utterance and epoch."""
        self._by_speed = by_speed
        self._labels = labels
        self._mask = mask
        self._seed = seed

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, draw: Draw | int) -> Example:
        epoch, index = (0, draw) if isinstance(draw, int) else draw
        random = np.random.default_rng((self._seed, epoch, index))
        features = self._by_speed[int(random.integers(len(self._by_speed)))][index]
        if self._mask is not None:
            features = self._mask(features, random)
        return Example(features, self._labels[index])


@final
class EvenBatches:
    """A batch sampler: about `size` in each batch, examples of like size together.

    The number of batches is the same in every epoch: ceil(sum of sizes / size).

    >>> batches = EvenBatches(np.array([1.0, 9.0, 1.0, 9.0]), 10.0, shuffle=False)
    >>> list(batches)
    [[(0, 0), (0, 2)], [(0, 1), (0, 3)]]
    """

    def __init__(
        self, sizes: npt.NDArray[np.floating[Any]], size: float, *, shuffle: bool = True, seed: int = 0
    ) -> None:
        self._sizes = np.asarray(sizes, dtype=np.float64)
        self._count = min(max(1, int(np.ceil(self._sizes.sum() / size))), len(self._sizes))
        self._shuffle = shuffle
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration draws; accelerate calls this."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[list[Draw]]:
        random = np.random.default_rng((self._seed, self._epoch))
        noise = random.uniform(-1, 1, len(self._sizes)) if self._shuffle else 0.0
        order = np.argsort(self._sizes * (1 + SIZE_JITTER * noise), kind="stable")
        parts = self._cut(order)
        for part in random.permutation(len(parts)) if self._shuffle else range(len(parts)):
            yield [(self._epoch, int(index)) for index in parts[part]]

    def _cut(self, order: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
        """Cut `order` into exactly `_count` non-empty runs of nearly equal size."""
        ends = np.cumsum(self._sizes[order])
        cuts = np.searchsorted(ends, ends[-1] * np.arange(1, self._count) / self._count)
        lowest = np.arange(1, self._count)
        cuts = np.maximum.accumulate(np.maximum(cuts, lowest) - lowest) + lowest
        cuts = np.minimum(cuts, len(order) - self._count + lowest)
        return np.split(order, cuts)


def for_transducer(batch: Mapping[str, Tensor], *, blank: int, padding: int) -> Mapping[str, Tensor]:
    """Give a prediction network what it reads: a blank, then the labels; those are padded with `padding`.

    >>> batch = for_transducer({"labels": torch.tensor([[5, 6], [7, -100]])}, blank=0, padding=1)
    >>> batch["labels"].tolist(), batch["decoder_input_ids"].tolist()
    ([[5, 6], [7, 1]], [[0, 5, 6], [0, 7, 1]])
    """
    labels = batch["labels"].masked_fill(batch["labels"] == IGNORED_LABEL, padding)
    return {**batch, "labels": labels, "decoder_input_ids": pad(labels, (1, 0), value=blank)}


def collate(examples: Sequence[Example], *, input_name: str = "input_features") -> Mapping[str, Tensor]:
    """Pad examples: features (B, T, M) or samples (B, T), attention_mask (B, T) bool, labels (B, S) padded with -100.

    T is at least 1.
    """
    frames = max(1, *(len(example.features) for example in examples))
    tokens = max(len(example.labels) for example in examples)
    features = torch.zeros(len(examples), frames, *examples[0].features.shape[1:])
    mask = torch.zeros(len(examples), frames, dtype=torch.bool)
    labels = torch.full((len(examples), tokens), IGNORED_LABEL, dtype=torch.long)
    for row, example in enumerate(examples):
        features[row, : len(example.features)] = torch.from_numpy(example.features)
        mask[row, : len(example.features)] = True
        labels[row, : len(example.labels)] = torch.tensor(example.labels)
    return {input_name: features, "attention_mask": mask, "labels": labels}
