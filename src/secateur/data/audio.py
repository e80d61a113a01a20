"""Audio files: soundfile reads them, soxr resamples them."""

import logging

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from secateur.data.manifest import Utterance
from secateur.errors import DataError

logger = logging.getLogger(__name__)

SURPLUS = 2.0
"""Times its duration in the manifest that a file without an `offset` may last: beyond that, one of the two is wrong."""

MISSING_SHARE, MISSING_SECONDS = 0.1, 0.05
"""An utterance with less than this share of its duration and this time missing is taken as it is: manifests round
durations."""

_resampled_rates: set[int] = set()


def load(utterance: Utterance, sampling_rate: int) -> npt.NDArray[np.float32]:
    """Load an utterance: shape (samples,), float32 in [-1, 1], mono, at `sampling_rate`.

    Channels are averaged; another rate is resampled, and said once per rate.

    Raises:
        DataError: The file is missing, unreadable, empty, shorter than the manifest says, or holds NaN.
    """
    samples, rate = _read(utterance)
    _check(samples, rate, utterance)
    if rate == sampling_rate:
        return samples
    if rate not in _resampled_rates:
        _resampled_rates.add(rate)
        logger.warning("`%s` has %d Hz: resampled to %d Hz (said once)", utterance.audio.name, rate, sampling_rate)
    return np.asarray(soxr.resample(samples, rate, sampling_rate), dtype=np.float32)


def change_speed(samples: npt.NDArray[np.float32], speed: float) -> npt.NDArray[np.float32]:
    """Play `samples` `speed` times as fast, pitch and tempo together (Ko et al. 2015, "Audio augmentation").

    >>> len(change_speed(np.zeros(1100, np.float32), 1.1))
    1000
    >>> len(change_speed(np.zeros(1100, np.float32), 1.0))
    1100
    """
    if speed == 1.0:
        return samples
    return np.asarray(soxr.resample(samples, speed, 1.0), dtype=np.float32)


def _check(samples: npt.NDArray[np.float32], rate: int, utterance: Utterance) -> None:
    seconds = len(samples) / rate
    if not len(samples) or seconds < (1 - MISSING_SHARE) * utterance.duration - MISSING_SECONDS:
        raise DataError(
            f"`{utterance.audio}` must hold {utterance.duration:.2f} s from {utterance.offset:.2f} s on, as its "
            f"manifest says, but holds {seconds:.2f} s; is the file truncated?"
        )
    if utterance.whole_file and seconds > SURPLUS * utterance.duration + MISSING_SECONDS:
        raise DataError(
            f"`{utterance.audio}` must hold {utterance.duration:.2f} s, as its manifest says, but holds "
            f"{seconds:.2f} s; for a part of a file say where it begins, `offset`, which may be 0"
        )
    if not np.isfinite(samples).all():
        raise DataError(
            f"`{utterance.audio}` must hold finite samples, but some are NaN or infinite; convert the file again"
        )


def _read(utterance: Utterance) -> tuple[npt.NDArray[np.float32], int]:
    if not utterance.audio.is_file():
        raise DataError(f"audio file `{utterance.audio}` is in a manifest but does not exist; check `audio_filepath`")
    try:
        with soundfile.SoundFile(utterance.audio) as file:
            rate = int(file.samplerate)
            frames = -1
            if not utterance.whole_file:
                file.seek(min(round(utterance.offset * rate), file.frames))
                frames = round(utterance.duration * rate)
            samples = file.read(frames, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise DataError(f"audio file `{utterance.audio}` cannot be read ({error}); is it truncated?") from None
    return np.ascontiguousarray(samples.mean(axis=1), dtype=np.float32), rate
