from secateur.report.timing import timings

TEN = {"runtime": "torch", "threads": 2, "audio_seconds": 10.0, "median_s": 0.1}


def test_latencies_are_paired_by_how_they_were_timed_not_by_where_they_stand():
    five = {**TEN, "audio_seconds": 5.0}
    found = timings({"dense": {"latencies": [TEN, five]}, "pruned": {"latencies": [five, TEN]}})
    assert [(timing.dense[-1], timing.pruned[-1]) for timing in found] == [(0, 1), (1, 0)]


def test_a_latency_that_the_list_repeats_is_told_once():
    (found,) = timings({"dense": {"latency": TEN, "latencies": [TEN]}})
    assert found.dense == ("dense", "latencies", 0)
    assert not found.paired


def test_other_threads_are_another_timing():
    found = timings({"dense": {"latency": TEN}, "pruned": {"latency": {**TEN, "threads": 1}}})
    assert [timing.where for timing in found] == ["torch, 2 threads", "torch, 1 thread"]
    assert not any(timing.paired for timing in found)


def test_a_latency_may_not_say_how_it_was_timed():
    (found,) = timings({"dense": {"latency": {"median_s": 1}}})
    assert (found.of, found.where) == ("", "")
