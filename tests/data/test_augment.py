import numpy as np
import pytest

from secateur.data import SpecAugment


def bands(blanked: np.ndarray) -> list[int]:
    """Widths of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], blanked.astype(int), [0]])))
    return (edges[1::2] - edges[::2]).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_bands_are_never_more_nor_wider_than_asked(seed: int) -> None:
    features = np.ones((50, 16), np.float32)
    mask = SpecAugment(frequency_masks=2, frequency_width=5, time_masks=3, time_share=0.1)
    masked = mask(features, np.random.default_rng(seed))
    bins, frames = (masked == 0).all(axis=0), (masked == 0).all(axis=1)
    assert bins.sum() <= 2 * 5
    assert frames.sum() <= 3 * 5
    assert len(bands(bins)) <= 2
    assert len(bands(frames)) <= 3
    np.testing.assert_array_equal(masked == 0, bins[None, :] | frames[:, None])


def test_every_width_from_none_to_the_widest_is_drawn() -> None:
    mask = SpecAugment(frequency_masks=1, frequency_width=3, time_masks=0)
    random = np.random.default_rng(0)
    widths = {int((mask(np.ones((2, 8), np.float32), random) == 0)[0].sum()) for _ in range(200)}
    assert widths == {0, 1, 2, 3}


def test_the_first_and_the_last_bin_may_be_blanked() -> None:
    mask = SpecAugment(frequency_masks=1, frequency_width=1, time_masks=0)
    random = np.random.default_rng(0)
    blanked = np.sum([mask(np.ones((1, 4), np.float32), random)[0] == 0 for _ in range(200)], axis=0)
    assert (blanked > 0).all()


def test_the_features_themselves_are_not_touched() -> None:
    features = np.ones((50, 16), np.float32)
    SpecAugment()(features, np.random.default_rng(1))
    assert (features == 1).all()


def test_the_same_generator_state_gives_the_same_mask() -> None:
    features = np.ones((50, 16), np.float32)
    first, second = (SpecAugment()(features, np.random.default_rng((3, 1, 4))) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 80)])
def test_bands_wider_than_the_features_fit_all_the_same(shape: tuple[int, int]) -> None:
    mask = SpecAugment(frequency_masks=5, frequency_width=1000, time_masks=5, time_share=1.0)
    assert mask(np.ones(shape, np.float32), np.random.default_rng(0)).shape == shape


def test_without_masks_nothing_changes() -> None:
    features = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    mask = SpecAugment(frequency_masks=0, time_masks=0)
    np.testing.assert_array_equal(mask(features, np.random.default_rng(0)), features)


def test_bands_lie_on_single_frames_where_they_are_stacked() -> None:
    stacked = np.ones((10, 2 * 4), np.float32)
    mask = SpecAugment(frequency_masks=1, frequency_width=1, time_masks=0, stacked=2)
    masked = [mask(stacked, np.random.default_rng(seed)) for seed in range(20)]
    assert all(one.shape == stacked.shape for one in masked)
    blanked = {tuple(np.flatnonzero((one == 0).all(axis=0))) for one in masked}
    assert blanked == {(), (0, 4), (1, 5), (2, 6), (3, 7)}


def test_what_is_not_normalized_is_blanked_with_the_mean_of_its_bin() -> None:
    features = np.arange(12, dtype=np.float32).reshape(4, 3)
    mask = SpecAugment(frequency_masks=0, time_masks=1, time_share=1.0, normalized=False)
    masked = mask(features, np.random.default_rng(3))
    changed = (masked != features).any(axis=1)
    assert changed.any()
    np.testing.assert_array_equal(masked[changed], np.tile(features.mean(axis=0), (changed.sum(), 1)))


@pytest.mark.parametrize("normalized", [True, False])
def test_nothing_is_blanked_where_there_is_nothing(normalized: bool) -> None:
    empty = np.zeros((0, 6), np.float32)
    assert SpecAugment(stacked=2, normalized=normalized)(empty, np.random.default_rng(0)).shape == (0, 6)
