"""Memory for what lies between the steps of a forward, kept from call to call."""

import math
import threading
from collections.abc import Callable
from typing import Any, TypeVar, final

import numpy as np
import numpy.typing as npt

T = TypeVar("T")

Array = npt.NDArray[np.float32]


@final
class Room:
    """Arrays of float32 by name, one set per thread: what a thread takes again is the same memory.

    A large array that is given back goes to the system, which maps its pages anew for the next: at 15 s of audio that
    takes as long as a product. Nothing of it may be returned to a caller.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        self._prepared = threading.local()

    def take(self, name: str, *shape: int) -> Array:
        """Return an array of any contents, at first zeros.

        What others left in memory may be numbers too small for float32 to hold in full, with which arithmetic takes
        many times as long, even where nobody asks for the result.
        """
        held: dict[str, Array] = self._own.__dict__
        count = math.prod(shape)
        found = held.get(name)
        if found is None or found.size < count:
            found = held[name] = np.zeros(count, np.float32)
        return found[:count].reshape(shape)

    def prepare(self, name: str, key: object, make: Callable[[], T]) -> T:
        """Return what was made of arrays of this room for this key the last time, or make it."""
        held: dict[str, tuple[object, Any]] = self._prepared.__dict__
        found = held.get(name)
        if found is None or found[0] != key:
            found = held[name] = key, make()
        return found[1]

    def __reduce__(self) -> tuple[type["Room"], tuple[()]]:
        """Say what a copy is: an empty one, since threads are not copied."""
        return Room, ()
