import pytest
import torch
from transformers import DynamicCache

from secateur.surgery import RemovedBranch


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_adding_what_it_returns_changes_nothing(dtype: torch.dtype) -> None:
    hidden = torch.randn(2, 3, 4).to(dtype)
    added = hidden + 0.5 * RemovedBranch()(hidden, attention_mask=None)
    assert torch.equal(added, hidden)
    assert added.dtype == dtype


@pytest.mark.parametrize("outputs", [2, 3])
def test_it_returns_as_many_values_as_the_branch_did(outputs: int) -> None:
    first, *rest = RemovedBranch(outputs)(hidden_states=torch.ones(2, 3))
    assert first.item() == 0.0
    assert rest == [None] * (outputs - 1)


def test_it_holds_nothing() -> None:
    assert RemovedBranch().state_dict() == {}


def test_tokens_are_counted_in_the_cache_of_an_attention_module_that_is_gone() -> None:
    cache = DynamicCache()
    branch = RemovedBranch(2, layer=0)
    for length in (4, 1):
        branch(torch.ones(2, length, 3), past_key_values=cache)
    assert cache.get_seq_length() == 5
