import pytest
import torch

from secateur.allocation import Budget
from secateur.group import Group
from secateur.methods.kept import kept


def test_shares_are_of_the_dense_size_and_zeros_to_begin_with_are_no_part_of_it() -> None:
    group = Group(name="a", granularity="ffn_unit", module="a", units=10, slices=())
    budget = Budget(unit="params", whole=90.0, kept=50.0, saved={"a": 10.0}, zeros=10.0)
    found = kept(budget, [group], {"a": torch.arange(10) >= 3}, share=0.5)
    assert found == {"kept_wanted": pytest.approx(1 - 0.5 * 40 / 90), "kept_reached": pytest.approx(1 - 20 / 90)}
