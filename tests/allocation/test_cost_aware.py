import math

import pytest
import torch

from secateur.allocation import CostAware
from secateur.group import Group

GROUP = Group(name="a", granularity="head", module="a", units=2, slices=())


@pytest.mark.parametrize(
    ("scores", "saved", "ranks"),
    [
        ([6.0, 0.0], 3.0, [2.0, 0.0]),
        ([6.0, 0.0], 0.0, [math.inf, math.inf]),
    ],
)
def test_ranks_are_scores_per_saving_and_what_saves_nothing_ranks_last(scores, saved, ranks) -> None:
    assert CostAware()({"a": torch.tensor(scores)}, [GROUP], {"a": saved})["a"].tolist() == ranks
