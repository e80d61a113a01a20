import time

import torch

from secateur.runtime import measure
from secateur.runtime.measure import ROUNDS, seconds


def test_layers_take_turns_and_the_shortest_counts(monkeypatch) -> None:
    monkeypatch.setattr(measure, "SWEPT", 16)
    calls: list[str] = []

    def slow(tokens: torch.Tensor) -> None:
        calls.append("slow")
        time.sleep(0.002)

    found = seconds({"slow": slow, "fast": lambda tokens: calls.append("fast")}, torch.zeros(1, 4))
    assert calls == ["slow", "fast"] * (ROUNDS + 1)
    assert found["slow"] >= 0.002 > found["fast"] > 0
