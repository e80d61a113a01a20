import threading
from collections.abc import Iterator

import numba
import pytest
import torch

from secateur.checkpoint.packed import pack
from secateur.runtime import SparseLinear
from secateur.runtime import threads as module
from secateur.runtime.quantize import quantize
from secateur.runtime.threads import share, threads
from sparse_weights import sparse

KINDS = [("I8", ("bitmask", 4)), ("I8", ("blocks", 4)), ("F32", ("bitmask", 1)), ("BF16", ("blocks", 1))]


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Share even the smallest products."""
    if numba.config.NUMBA_NUM_THREADS < 2 or not module._has_pool():
        pytest.skip("numba has no pool of two threads here")
    monkeypatch.setattr(module, "SHARED", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("count", [0, 1, 2, 5, 16, 17, 40])
@pytest.mark.parametrize("shape", [(33, 70), (16, 64), (7, 200), (200, 1)], ids=str)
@pytest.mark.parametrize(("dtype", "encoding"), KINDS, ids=str)
def test_two_threads_do_the_same_sums(dtype: str, encoding: tuple[str, int], shape: tuple, count: int) -> None:
    weight = pack(sparse(shape, 0.6), outputs=0, dtype=dtype, encoding=encoding)
    assert weight is not None
    layer, tokens = SparseLinear(weight, torch.randn(shape[0])), torch.randn(count, shape[1])
    both = layer(tokens)
    torch.set_num_threads(1)
    assert torch.equal(layer(tokens.clone()), both)


@pytest.mark.usefixtures("two_threads")
def test_several_threads_of_a_program_may_ask_at_once() -> None:
    weight = pack(sparse((64, 64), 0.6), outputs=0, dtype="I8")
    assert weight is not None
    layers = [SparseLinear(weight) for _ in range(4)]
    tokens = torch.randn(20, 64)
    want, found = layers[0](tokens), [True] * 4

    def ask(at: int) -> None:
        torch.set_num_threads(2)
        found[at] = all(torch.equal(layers[at](tokens.clone()), want) for _ in range(50))

    asking = [threading.Thread(target=ask, args=(at,)) for at in range(4)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert all(found)


@pytest.mark.usefixtures("two_threads")
def test_the_pool_is_left_as_it_was() -> None:
    before = numba.get_num_threads()
    quantize(torch.randn(40, 8).numpy())
    assert numba.get_num_threads() == before


def test_small_products_are_not_shared() -> None:
    assert threads(1000, 1) == 1


@pytest.mark.parametrize("count", [0, 1, 5, 16])
def test_parts_are_all_and_each_once(count: int) -> None:
    parts = [share(part, 3, count) for part in range(3)]
    assert [at for first, last in parts for at in range(first, last)] == list(range(count))


@pytest.mark.parametrize(("chosen", "pool"), [("workqueue", False), ("omp", True)])
def test_a_pool_that_ends_the_process_is_not_asked(chosen: str, pool: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise ValueError

    monkeypatch.setattr(module.pool, "threading_layer", none)
    monkeypatch.setattr(module.settings, "THREADING_LAYER", chosen)
    monkeypatch.setitem(module.POOLS, "omp", "json")
    assert module._has_pool.__wrapped__() is pool
    monkeypatch.setitem(module.POOLS, "omp", "there.is.no.such.module")
    assert not module._has_pool.__wrapped__()
