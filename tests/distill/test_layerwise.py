import itertools

import pytest
import torch

from secateur.distill import MATCHINGS, distance, distances, spread
from secateur.distill.layerwise import fixed, matched


def test_distances_are_mean_squares_over_frames_and_width() -> None:
    teacher = [torch.tensor([[1.0, 2.0], [0.0, 0.0]])]
    student = [torch.zeros(2, 2), torch.tensor([[1.0, 2.0], [0.0, 4.0]])]
    assert distances(teacher, student).tolist() == [[5 / 4, 16 / 4]]
    assert distance(teacher[0], student[1]).item() == 4.0


@pytest.mark.parametrize("layers", [1, 2, 7, 12, 24])
@pytest.mark.parametrize("taps", [1, 2, 4])
def test_taps_rise_and_end_at_the_last_layer(layers: int, taps: int) -> None:
    chosen = spread(layers, taps)
    assert len(chosen) == min(taps, layers)
    assert chosen[-1] == layers - 1
    assert all(low < high for low, high in itertools.pairwise(chosen))


@pytest.mark.parametrize("name", MATCHINGS)
@pytest.mark.parametrize("student", [1, 2, 5, 8])
def test_every_tap_gets_a_layer_that_exists_and_the_order_holds(name: str, student: int) -> None:
    taps = spread(8, 4)
    for seed in range(20):
        found = torch.rand(len(taps), student, generator=torch.Generator().manual_seed(seed))
        chosen = MATCHINGS[name](found, taps, 8)
        assert len(chosen) == len(taps)
        assert all(0 <= layer < student for layer in chosen)
        assert chosen == sorted(chosen)


def test_the_top_tap_takes_its_closest_layer_and_the_others_what_is_left_below() -> None:
    found = torch.tensor([[0.0, 9.0, 9.0, 1.0], [9.0, 9.0, 0.0, 9.0], [9.0, 9.0, 1.0, 0.5]])
    assert matched(found, (0, 1, 3), 4) == [0, 2, 3]


def test_where_no_layer_is_left_below_the_last_one_is_taken_again() -> None:
    found = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert matched(found, (0, 1, 2), 3) == [0, 0, 0]


def test_equal_distances_go_to_the_lower_layer() -> None:
    assert matched(torch.zeros(1, 3), (2,), 3) == [0]


def test_a_teacher_that_is_deeper_is_matched_at_the_same_depth() -> None:
    assert fixed(torch.zeros(4, 3), (2, 5, 8, 11), 12) == [0, 1, 1, 2]
