import pytest
import torch

from secateur.masks import select


@pytest.mark.parametrize(
    ("scores", "share", "kept"),
    [
        ([3.0, 1.0, 2.0, 1.0], 0.0, [0, 1, 2, 3]),
        ([3.0, 1.0, 2.0, 1.0], 0.25, [0, 2, 3]),
        ([3.0, 1.0, 2.0, 1.0], 0.5, [0, 2]),
        ([3.0, 1.0, 2.0, 1.0], 0.75, [0]),
        ([3.0, 1.0, 2.0, 1.0], 1.0, []),
        ([5.0], 1.0, []),
        ([-torch.inf, 0.0, -torch.inf], 1 / 3, [1, 2]),
    ],
)
def test_the_least_important_leave_and_ties_go_by_index(scores: list[float], share: float, kept: list[int]) -> None:
    assert select(torch.tensor(scores), share).nonzero().flatten().tolist() == kept


def test_scores_are_not_changed() -> None:
    scores = torch.tensor([2.0, 1.0])
    select(scores, 0.5)
    assert scores.tolist() == [2.0, 1.0]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.77, 1.0])
def test_it_is_what_a_stable_sort_says(share: float) -> None:
    scores = torch.randint(0, 40, (1000,), generator=torch.Generator().manual_seed(0)).float()
    leaving = scores.argsort(stable=True)[: round(1000 * share)]
    assert (~select(scores, share)).nonzero().flatten().tolist() == sorted(leaving.tolist())
