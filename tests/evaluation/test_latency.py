import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch

from secateur.errors import RequestError
from secateur.evaluation import Timings, interleaved, latency, speedup


class Clock:
    """A clock that only the timed callables move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def perf_counter(self) -> float:
        return self.now

    def takes(self, name: str, *seconds: float) -> Callable[[], None]:
        durations = itertools.cycle(seconds)

        def forward() -> None:
            self.calls.append(name)
            self.now += next(durations)

        return forward


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(latency, "time", clock)
    return clock


def test_candidates_take_turns_after_their_warm_up(clock: Clock) -> None:
    forwards = {"a": clock.takes("a", 1, 2, 3), "b": clock.takes("b", 8)}
    timings = interleaved(forwards, warmup=1, repeats=2)
    assert clock.calls == ["a", "b"] * 3
    assert timings == {"a": Timings(samples=(2, 3)), "b": Timings(samples=(8, 8))}


def test_rounds_go_on_until_the_measured_time_is_reached(clock: Clock) -> None:
    forwards = {"a": clock.takes("a", 1), "b": clock.takes("b", 2)}
    timings = interleaved(forwards, warmup=5, repeats=2, min_seconds=10)
    assert len(timings["a"].samples) == len(timings["b"].samples) == 4  # 3 s a round


def test_a_run_too_fast_for_the_clock_has_a_positive_time(clock: Clock) -> None:
    assert interleaved({"a": clock.takes("a", 0)}, repeats=1)["a"].samples == (latency.TICK,)


def test_forwards_run_in_inference_mode_with_the_threads_asked_for() -> None:
    before = torch.get_num_threads()
    seen: set[tuple[bool, int]] = set()
    interleaved(
        {"a": lambda: seen.add((torch.is_inference_mode_enabled(), torch.get_num_threads()))},
        threads=before + 1,
        repeats=1,
    )
    assert seen == {(True, before + 1)}
    assert torch.get_num_threads() == before
    assert not torch.is_inference_mode_enabled()


def test_a_forward_that_fails_leaves_the_threads_as_they_were() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        interleaved({"a": lambda: 1 // 0}, threads=before + 1)
    assert torch.get_num_threads() == before


def test_a_gpu_is_waited_for_before_and_after(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", clock.takes("wait", 1))
    timings = interleaved({"a": clock.takes("a", 2)}, warmup=0, repeats=1)
    assert clock.calls == ["wait", "a", "wait"]
    assert timings["a"].samples == (3,)


def test_median_and_p90_lie_between_the_samples() -> None:
    timings = Timings(samples=tuple(float(i) for i in range(11, 0, -1)))
    assert (timings.median_s, timings.p90_s) == (6, 10)


def test_the_speedup_is_the_median_of_the_rounds_ratios() -> None:
    # The machine slows down threefold half-way: medians of each alone say 5 / 2, rounds say 2.
    base, other = Timings(samples=(2, 4, 5, 12, 6)), Timings(samples=(1, 2, 2, 6, 3))
    result = speedup(base, other)
    assert result.median == 2
    assert result.ci95 == (2, 2.5)


def test_the_speedups_interval_covers_ninety_five_per_cent_of_all_resamples() -> None:
    ratios = np.array([1.0, 1.5, 2.0, 3.0])
    medians = np.array([np.median(draw) for draw in itertools.product(ratios, repeat=4)])
    low, high = speedup(Timings(samples=tuple(ratios.tolist())), Timings(samples=(1, 1, 1, 1))).ci95
    assert np.mean(medians < low) <= 0.035
    assert np.mean(medians > high) <= 0.035
    assert low < np.median(ratios) < high


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"forwards": {}}, "at least one callable"),
        ({"threads": 0}, "`threads` must be at least 1, but is 0"),
        ({"repeats": 0}, "`repeats` must be at least 1, but is 0"),
        ({"warmup": -1}, "`warmup` must be at least 0, but is -1"),
    ],
)
def test_a_run_that_measures_nothing_is_refused(options: dict[str, object], fragment: str) -> None:
    with pytest.raises(RequestError, match=fragment):
        interleaved(**({"forwards": {"a": lambda: None}} | options))


@pytest.mark.parametrize(("base", "other", "fragment"), [((1.0,), (1.0, 2.0), "1 and 2"), ((), (), "0 and 0")])
def test_timings_of_different_runs_do_not_compare(
    base: tuple[float, ...], other: tuple[float, ...], fragment: str
) -> None:
    with pytest.raises(RequestError, match=fragment):
        speedup(Timings(samples=base), Timings(samples=other))
