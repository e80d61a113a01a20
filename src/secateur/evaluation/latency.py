"""How long a forward takes, fairly: candidates take turns in one process, so that noise hits all of them alike."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from secateur.errors import RequestError

WARMUP = 3
"""Unmeasured runs of each candidate: the first allocates and picks kernels, the next fill the caches."""

REPEATS = 20
"""Measured runs of each candidate; p90 then leaves two samples above it."""

RESAMPLES = 2_000
"""Bootstrap resamples of the speed-up: the ends of a 95 % interval are each set by 50 of them."""

TICK = 1e-9
"""Seconds; the finest `time.perf_counter` tells. A faster run counts as this long, so that ratios stay finite."""


@final
@dataclass(frozen=True, kw_only=True)
class Timings:
    """Seconds of each measured run, in order.

    >>> timings = Timings(samples=(3.0, 1.0, 2.0))
    >>> timings.median_s, round(timings.p90_s, 3)
    (2.0, 2.8)
    """

    samples: tuple[float, ...]

    @property
    def median_s(self) -> float:
        """Half of the runs were faster."""
        return float(np.median(self.samples))

    @property
    def p90_s(self) -> float:
        """Nine runs in ten were faster; linear between samples."""
        return float(np.quantile(self.samples, 0.9))


@final
@dataclass(frozen=True, kw_only=True)
class Speedup:
    """How many times faster: above 1, the other is faster than the base."""

    median: float
    ci95: tuple[float, float]


def interleaved(
    forwards: Mapping[str, Callable[[], object]],
    *,
    threads: int = 1,
    warmup: int = WARMUP,
    repeats: int = REPEATS,
    min_seconds: float = 0.0,
) -> dict[str, Timings]:
    """Times the callables in turn, A B A B ..., under `torch.inference_mode` with `threads` intra-op threads.

    Rounds go on until there are `repeats` of them and their measured time adds up to `min_seconds`. The number of
    threads is put back afterwards. Sample i of every candidate comes from round i.

    Raises:
        RequestError: when there is nothing to time, or a number is out of range.

    >>> timings = interleaved({"small": lambda: sum(range(9)), "big": lambda: sum(range(99))}, repeats=2)
    >>> {name: len(each.samples) for name, each in timings.items()}
    {'small': 2, 'big': 2}
    """
    _require(bool(forwards), "`forwards` must name at least one callable, but is empty")
    _require(threads >= 1, f"`threads` must be at least 1, but is {threads}")
    _require(repeats >= 1, f"`repeats` must be at least 1, but is {repeats}")
    _require(warmup >= 0, f"`warmup` must be at least 0, but is {warmup}")
    samples: dict[str, list[float]] = {name: [] for name in forwards}
    with threads_limited_to(threads), torch.inference_mode():
        for _ in range(warmup):
            _round(forwards)
        done, measured = 0, 0.0
        while done < repeats or measured < min_seconds:
            seconds = _round(forwards)
            for name, value in seconds.items():
                samples[name].append(value)
            done, measured = done + 1, measured + sum(seconds.values())
    return {name: Timings(samples=tuple(values)) for name, values in samples.items()}


def speedup(base: Timings, other: Timings, *, resamples: int = RESAMPLES, seed: int = 0) -> Speedup:
    """Median of base / other over the rounds, with the percentile interval of the bootstrap over rounds.

    Both must come from the same `interleaved` run: a round's two samples then share whatever else the machine did.

    Raises:
        RequestError: when the two have different numbers of samples, or none.

    >>> speedup(Timings(samples=(2.0, 4.0)), Timings(samples=(1.0, 2.0)))
    Speedup(median=2.0, ci95=(2.0, 2.0))
    """
    _require(
        len(base.samples) == len(other.samples) > 0,
        f"`base` and `other` must come from the same rounds, but have {len(base.samples)} and {len(other.samples)} "
        "samples; time both in one `interleaved` call",
    )
    ratios = np.divide(base.samples, other.samples)
    low, high = np.quantile(_resampled_medians(ratios, resamples=resamples, seed=seed), [0.025, 0.975]).tolist()
    return Speedup(median=float(np.median(ratios)), ci95=(low, high))


def _resampled_medians(ratios: NDArray[np.float64], *, resamples: int, seed: int) -> NDArray[np.float64]:
    drawn = np.random.default_rng(seed).choice(ratios, size=(resamples, len(ratios)))
    return np.median(drawn, axis=1)


def _round(forwards: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    return {name: _seconds(forward) for name, forward in forwards.items()}


def _seconds(forward: Callable[[], object]) -> float:
    _wait()
    start = time.perf_counter()
    forward()
    _wait()
    return max(time.perf_counter() - start, TICK)


def _wait() -> None:
    # A GPU works on after the call returns.
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


@contextmanager
def threads_limited_to(count: int) -> Generator[None, None, None]:
    """Let torch compute with so many threads in here."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise RequestError(sentence)
