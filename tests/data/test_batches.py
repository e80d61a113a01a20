from collections.abc import Sequence

import numpy as np
import pytest

from secateur.data import EvenBatches, Example, SpecAugment, SpeechDataset, collate
from speech import drawn, stored

DURATIONS = np.random.default_rng(0).uniform(0.5, 12.0, 57)


def epochs(count: int, *, seed: int = 0, seconds: float = 40.0) -> list[list[list[int]]]:
    batches = EvenBatches(DURATIONS, seconds, seed=seed)
    found = []
    for epoch in range(count):
        batches.set_epoch(epoch)
        found.append(drawn(batches))
    return found


def test_every_epoch_has_every_utterance_exactly_once() -> None:
    for epoch in epochs(4):
        assert sorted(index for batch in epoch for index in batch) == list(range(len(DURATIONS)))


@pytest.mark.parametrize("seconds", [0.1, 5.0, 40.0, 1e6])
def test_the_number_of_batches_is_the_same_in_every_epoch(seconds: float) -> None:
    expected = min(max(1, int(np.ceil(DURATIONS.sum() / seconds))), len(DURATIONS))
    for epoch in epochs(3, seconds=seconds):
        assert len(epoch) == expected == len(EvenBatches(DURATIONS, seconds))
        assert all(epoch)


def test_batches_hold_about_the_seconds_asked_for() -> None:
    for epoch in epochs(3):
        sums = [DURATIONS[batch].sum() for batch in epoch]
        assert max(sums) <= 40.0 + DURATIONS.max()


def test_a_batch_holds_utterances_of_like_duration() -> None:
    ratios = [DURATIONS[batch].max() / DURATIONS[batch].min() for batch in epochs(1)[0] if DURATIONS[batch].min() > 2]
    assert max(ratios) < 2.5


def test_epochs_differ_and_so_do_seeds() -> None:
    first, second = epochs(2)
    assert first != second
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))
    assert epochs(1, seed=1)[0] != first


def test_an_epoch_is_a_function_of_the_seed_and_its_number() -> None:
    assert epochs(3) == epochs(3)
    late = EvenBatches(DURATIONS, 40.0)
    late.set_epoch(2)
    assert drawn(late) == epochs(3)[2]


def test_draws_carry_their_epoch() -> None:
    batches = EvenBatches(DURATIONS, 40.0)
    batches.set_epoch(7)
    assert {epoch for batch in batches for epoch, _ in batch} == {7}


def test_without_shuffling_the_shortest_come_first() -> None:
    order = [index for batch in drawn(EvenBatches(DURATIONS, 40.0, shuffle=False)) for index in batch]
    assert order == np.argsort(DURATIONS, kind="stable").tolist()


@pytest.mark.parametrize("durations", [[1.0], [100.0], [1.0] * 5, [100.0, 0.1, 0.1, 0.1], [0.1, 100.0, 100.0]])
def test_no_batch_is_empty_however_uneven_the_durations(durations: Sequence[float]) -> None:
    for seconds in (0.05, 1.0, 50.0, 1000.0):
        batches = EvenBatches(np.array(durations), seconds)
        found = drawn(batches)
        assert len(found) == len(batches)
        assert all(found)
        assert sorted(index for batch in found for index in batch) == list(range(len(durations)))


def test_augmentation_is_a_function_of_seed_epoch_and_index() -> None:
    by_speed = [stored([40, 40]), stored([36, 36])]

    def shown(draw: tuple[int, int], seed: int = 0) -> np.ndarray:
        mask = SpecAugment(frequency_width=2, time_share=0.5)
        return SpeechDataset(by_speed, [(1,), (2,)], mask=mask, seed=seed)[draw].features

    def same(a: np.ndarray, b: np.ndarray) -> bool:
        return a.shape == b.shape and bool((a == b).all())

    assert same(shown((3, 1)), shown((3, 1)))
    assert not all(same(shown((3, 1)), shown((epoch, 1))) for epoch in range(4, 8))
    assert not all(same(shown((3, 1)), shown((3, 1), seed=seed)) for seed in range(1, 5))


def test_every_speed_is_drawn_sometimes() -> None:
    dataset = SpeechDataset([stored([10]), stored([9]), stored([11])], [(1,)])
    assert {len(dataset[epoch, 0].features) for epoch in range(40)} == {9, 10, 11}


def test_without_a_mask_and_with_one_speed_features_come_as_they_are() -> None:
    dataset = SpeechDataset([stored([2, 3])], [(1,), (2, 3)])
    assert len(dataset) == 2
    assert dataset[5, 1].labels == (2, 3)
    np.testing.assert_array_equal(dataset[1].features[:, 0], [101, 102, 103])


def test_collate_pads_features_with_zero_and_labels_with_the_ignored_one() -> None:
    a = Example(np.full((2, 3), 1.0, np.float32), (4, 5, 6))
    b = Example(np.full((4, 3), 2.0, np.float32), (7,))
    batch = collate([a, b])
    assert batch["input_features"].shape == (2, 4, 3)
    assert batch["input_features"][0, :, 0].tolist() == [1, 1, 0, 0]
    assert batch["attention_mask"].tolist() == [[True, True, False, False], [True] * 4]
    assert batch["labels"].tolist() == [[4, 5, 6], [7, -100, -100]]


def test_collate_names_the_input_as_the_model_does() -> None:
    assert "input_values" in collate([Example(np.zeros((1, 3), np.float32), ())], input_name="input_values")


def test_collate_has_at_least_one_frame() -> None:
    batch = collate([Example(np.zeros((0, 3), np.float32), ())])
    assert batch["input_features"].shape == (1, 1, 3)
    assert not batch["attention_mask"].any()


def test_samples_are_padded_like_features() -> None:
    examples = [Example(np.ones(n, np.float32), (n,)) for n in (3, 5)]
    batch = collate(examples, input_name="input_values")
    assert batch["input_values"].tolist() == [[1.0] * 3 + [0.0] * 2, [1.0] * 5]
    assert batch["attention_mask"].sum(1).tolist() == [3, 5]
