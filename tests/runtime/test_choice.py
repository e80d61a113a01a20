import pytest
import torch

from secateur.runtime.choice import Chosen, fastest, limits


class Named(torch.nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, tokens: torch.Tensor) -> str:
        return self.name


@pytest.mark.parametrize(("count", "name"), [(0, "a"), (1, "a"), (4, "a"), (5, "b"), (64, "b"), (65, "a"), (1000, "a")])
def test_the_nearest_number_of_tokens_decides(count: int, name: str) -> None:
    layer = Chosen({"a": Named("a"), "b": Named("b")}, {1: "a", 16: "b", 256: "a"}, in_features=8)
    assert layer(torch.zeros(count, 8)) == name
    assert layer(torch.zeros(1, count, 8)) == name


def test_one_that_is_nearly_as_good_everywhere_is_taken_alone() -> None:
    assert fastest({"a": {1: 1.0, 9: 1.0}, "b": {1: 1.03, 9: 0.96}, "c": {1: 0.99, 9: 2.0}}) == {1: "b"}
    assert fastest({"a": {1: 1.0, 9: 1.0}, "b": {1: 1.06, 9: 0.5}}) == {1: "a", 9: "b"}
    assert fastest({"a": {1: 1.0}}) == {1: "a"}


def test_of_one_number_there_are_no_limits() -> None:
    assert limits([1]) == []
