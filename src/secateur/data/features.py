"""Features of utterances, computed once, kept on disk, read by memory map."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch

from secateur.counted import counted
from secateur.data.audio import change_speed, load
from secateur.data.manifest import Utterance
from secateur.whole_file import whole_file

logger = logging.getLogger(__name__)

FORMAT = 1
"""Part of every cache key: raised when what is stored changes meaning."""

Extract = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Samples (N,) -> features (T, M), or samples (T,) again for models that hear those."""

WHOLE_WINDOWS = {"LasrFeatureExtractor", "SeamlessM4TFeatureExtractor"}
"""Extractors that pad no edges, so that they fail on less than a window (25 ms); a deviation takes two of them."""

TWO_WINDOWS = 0.035
"""Seconds that these see at least: a window and a hop."""


@final
@dataclass(frozen=True)
class Features:
    """Features of a list of utterances, in one array on disk."""

    frames: npt.NDArray[np.floating[Any]]
    """All frames, shape (sum of T, M), or all samples, shape (sum of T,); memory-mapped."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    """Utterance i owns the rows ``starts[i]`` to ``ends[i]``: shape (utterances,) both."""

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> npt.NDArray[np.float32]:
        return np.array(self.frames[self.starts[index] : self.ends[index]], dtype=np.float32)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Frames per utterance."""
        return self.ends - self.starts

    def take(self, indices: npt.NDArray[np.int64]) -> "Features":
        """Return some of the utterances, over the same array."""
        return Features(self.frames, self.starts[indices], self.ends[indices])


def cache_folder() -> Path:
    """Where features are kept: ``SECATEUR_CACHE``, else ``~/.cache/secateur``."""
    return Path(os.environ.get("SECATEUR_CACHE", "~/.cache/secateur")).expanduser()


def extractor(feature_extractor: Any) -> Extract:
    """Wrap a Hugging Face feature extractor as a function of one utterance's samples.

    Utterances go through one by one, so what is stored does not depend on a batch's padding. Frames that the
    extractor itself marks as padding are cut. A single frame has no deviation to be divided by: it becomes 0.
    Utterances shorter than an extractor can take are padded with silence.
    """
    rate = feature_extractor.sampling_rate
    shortest = round(TWO_WINDOWS * rate) if type(feature_extractor).__name__ in WHOLE_WINDOWS else 0

    def extract(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        samples = np.pad(samples, (0, max(0, shortest - len(samples))))
        batch = feature_extractor([samples], sampling_rate=rate, return_tensors="pt")
        frames = batch[feature_extractor.model_input_names[0]][0]
        if "attention_mask" in batch:  # absent where the model goes without; one utterance alone has no padding
            frames = frames[batch["attention_mask"][0].bool()]
        return np.nan_to_num(frames.numpy())

    return extract


def features(
    utterances: Sequence[Utterance], feature_extractor: Any, *, speed: float = 1.0, half: bool = False
) -> Features:
    """Compute the features of `utterances`, or find them in the cache.

    The key covers the files (path, size, time), the cut-outs, the extractor's settings and the speed, so a changed
    file is computed again. `half` stores float16: half the disk, for training only.

    Raises:
        DataError: An audio file is missing, unreadable or truncated.
    """
    dtype = np.float16 if half else np.float32
    stem = cache_folder() / "features" / _key(utterances, feature_extractor, speed, np.dtype(dtype).name)
    files = stem.with_suffix(".npy"), stem.with_suffix(".starts.npy")
    found = _read(*files)
    if found is None:
        _write(utterances, feature_extractor, speed=speed, dtype=dtype, files=files)
        found = _read(*files)
        assert found is not None
    return found


def features_once(utterances: Sequence[Utterance], feature_extractor: Any) -> Features:
    """Compute the features of what is heard once: nothing of it stays on the disk.

    Raises:
        DataError: An audio file is missing, unreadable or truncated.
    """
    parts = list(_computed(utterances, feature_extractor))
    bounds = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    return Features(np.concatenate(parts), bounds[:-1], bounds[1:])


def _read(frames_file: Path, starts_file: Path) -> Features | None:
    """Open what the cache holds; nothing where it is absent or damaged, by a full disk for one."""
    try:
        frames, bounds = np.load(frames_file, mmap_mode="r"), np.load(starts_file)
    except (OSError, ValueError, EOFError):
        return None
    return Features(frames, bounds[:-1], bounds[1:]) if bounds[-1:].tolist() == [len(frames)] else None


def _write(
    utterances: Sequence[Utterance], feature_extractor: Any, *, speed: float, dtype: type, files: tuple[Path, Path]
) -> None:
    """Write the features of all utterances one after the other, and where each begins; one at a time is in memory."""
    lengths, row = [0], ()
    computed = _computed(utterances, feature_extractor, speed=speed, dtype=dtype)
    with whole_file(files[0]) as part, TemporaryFile(dir=part.parent) as rows, closing(computed):
        for found in computed:
            rows.write(found.tobytes())
            lengths.append(len(found))
            row = found.shape[1:]
        header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (sum(lengths), *row)}
        rows.seek(0)
        with part.open("wb") as out:
            np.lib.format.write_array_header_1_0(out, header)
            copyfileobj(rows, out)
        with whole_file(files[1]) as bounds, bounds.open("wb") as out:
            np.save(out, np.cumsum(lengths, dtype=np.int64), allow_pickle=False)


def _computed(
    utterances: Sequence[Utterance], feature_extractor: Any, *, speed: float = 1.0, dtype: type = np.float32
) -> Generator[npt.NDArray[Any]]:
    extract = extractor(feature_extractor)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tensors this small lose more to contended threads than they gain
    try:
        for utterance in counted(utterances, "reading speech", total=len(utterances)):
            yield extract(change_speed(load(utterance, feature_extractor.sampling_rate), speed)).astype(dtype)
    finally:
        torch.set_num_threads(threads)


def _key(utterances: Sequence[Utterance], feature_extractor: Any, speed: float, dtype: str) -> str:
    digest = hashlib.sha256()
    settings = {k: v for k, v in feature_extractor.to_dict().items() if k != "mel_filters"}
    digest.update(json.dumps([FORMAT, settings, speed, dtype], sort_keys=True, default=str).encode())
    for utterance in utterances:
        seen = utterance.audio.stat() if utterance.audio.is_file() else None
        record = {**asdict(utterance), "size": seen and seen.st_size, "time": seen and seen.st_mtime_ns}
        digest.update(json.dumps(record, default=str).encode())
    return digest.hexdigest()[:32]
