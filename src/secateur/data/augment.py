"""SpecAugment on one utterance's features."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt


@final
@dataclass(frozen=True, kw_only=True)
class SpecAugment:
    """Blank random bands of mel bins and of frames with the mean of each bin, which is 0 after normalization.

    Each of `frequency_masks` bands is 0 to `frequency_width` bins wide, each of `time_masks` bands 0 to
    ``time_share * T`` frames, widths and places uniform.

    Source: Park et al. 2019, "SpecAugment" (arXiv 1904.08779), without time warping; the time masks' width is a share
    of the utterance, as in "SpecAugment on large scale datasets" (arXiv 1912.05533).
    """

    frequency_masks: int = 2
    frequency_width: int = 10
    time_masks: int = 2
    time_share: float = 0.04

    stacked: int = 1
    """Frames that lie side by side in one row of the features."""

    normalized: bool = True
    """Whether the mean of every bin is 0; else it is taken from the utterance."""

    def __call__(self, features: npt.NDArray[np.float32], random: np.random.Generator) -> npt.NDArray[np.float32]:
        """Return a masked copy of `features`, shape (T, M)."""
        masked = features.reshape(len(features) * self.stacked, -1 if features.size else 0).copy()
        frames, bins = masked.shape
        blank = np.zeros(bins, np.float32) if self.normalized or not frames else masked.mean(axis=0)
        for _ in range(self.frequency_masks):
            start, width = _band(bins, self.frequency_width, random)
            masked[:, start : start + width] = blank[start : start + width]
        for _ in range(self.time_masks):
            start, width = _band(frames, int(self.time_share * frames), random)
            masked[start : start + width] = blank
        return masked.reshape(features.shape)


def _band(size: int, widest: int, random: np.random.Generator) -> tuple[int, int]:
    width = int(random.integers(0, min(widest, size) + 1))
    return int(random.integers(0, size - width + 1)), width
