import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from secateur.runtime.rooms import Room


def test_what_is_taken_again_is_the_same_memory() -> None:
    room = Room()
    first = room.take("x", 3, 4)
    assert first.shape == (3, 4)
    assert np.shares_memory(first, room.take("x", 2, 2))
    assert not np.shares_memory(first, room.take("y", 3, 4))
    assert room.take("x", 50, 4).shape == (50, 4)


def test_what_is_taken_first_is_zeros() -> None:
    """And not what lay there: numbers too small to be whole make every sum with them slow."""
    np.full(1 << 16, 1e-40, np.float32)  # given back at once, so that it may lie there
    assert not Room().take("x", 1 << 16).any()


def test_threads_do_not_share() -> None:
    room = Room()
    mine = room.take("x", 4)
    with ThreadPoolExecutor(1) as pool:
        assert not np.shares_memory(mine, pool.submit(room.take, "x", 4).result())


def test_a_copy_is_empty() -> None:
    room = Room()
    mine = room.take("x", 4)
    for copied in (copy.deepcopy(room), pickle.loads(pickle.dumps(room))):
        assert not np.shares_memory(mine, copied.take("x", 4))


def test_what_was_made_for_a_key_is_made_once() -> None:
    room, made = Room(), []
    for key in (1, 1, 2, 1):
        room.prepare("x", key, lambda: made.append(None))
    assert len(made) == 3
