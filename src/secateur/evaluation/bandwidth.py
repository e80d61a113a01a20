"""How fast this machine reads memory: what no product with weights that lie there can be faster than."""

from typing import Final

import torch

from secateur.evaluation.latency import interleaved

BUFFER: Final = 1 << 30
"""Bytes read: more than the caches of servers hold (up to some 400 MB)."""

ROUNDS: Final = 5

SUM: Final = "sum"


def bytes_per_second(*, threads: int = 1, nbytes: int = BUFFER) -> float:
    """Sum a large buffer a few times, and return how fast its bytes came in the fastest of the rounds.

    A ceiling is what is possible: a round that other work disturbed would put it too low.
    """
    memory = torch.ones(nbytes // 4)
    timed = interleaved({SUM: memory.sum}, threads=threads, warmup=1, repeats=ROUNDS)
    return memory.nbytes / min(timed[SUM].samples)
