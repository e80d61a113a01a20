"""Which latency of the pruned model belongs beside which of the dense one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

from secateur.report import formats
from secateur.report.values import Path, look, number, sequence, text

Signature = tuple[str | None, float | None, float | None, float | None]
"""Runtime, threads, seconds of audio, tokens: two latencies are compared only when all agree."""


@final
@dataclass(frozen=True, kw_only=True)
class Timing:
    """One way of timing both models."""

    signature: Signature
    dense: Path = ()
    """Where the dense model's latency lies in the report; empty where it was not timed this way."""

    pruned: Path = ()

    @property
    def paired(self) -> bool:
        """Whether both models were timed this way."""
        return bool(self.dense and self.pruned)

    @property
    def of(self) -> str:
        """What was run: " of 10 s of audio", " of 32 tokens"."""
        _, _, seconds, tokens = self.signature
        if seconds is not None:
            return f" of {formats.audio(seconds)} of audio"
        return "" if tokens is None else f" of {tokens:g} tokens"

    @property
    def where(self) -> str:
        """What ran it: "torch, 2 threads"."""
        runtime, threads, _, _ = self.signature
        told = "" if threads is None else f"{threads:g} thread{'' if threads == 1 else 's'}"
        return ", ".join(filter(None, (runtime, told)))


def timings(report: Mapping[str, object]) -> tuple[Timing, ...]:
    """Every way in which a model was timed, in the report's order.

    >>> one = {"runtime": "torch", "threads": 2, "audio_seconds": 10}
    >>> [(t.of.split()[1], t.where, t.paired) for t in timings({"dense": {"latency": one}, "pruned": {"latency": one}})]
    [('10', 'torch, 2 threads', True)]
    >>> timings({})
    ()
    """
    dense, pruned = _of(report, "dense"), _of(report, "pruned")
    return tuple(
        Timing(signature=signature, dense=dense.get(signature, ()), pruned=pruned.get(signature, ()))
        for signature in dict.fromkeys([*dense, *pruned])
    )


def _of(report: Mapping[str, object], model: str) -> dict[Signature, Path]:
    found: dict[Signature, Path] = {}
    for path in _paths(report, model):
        found.setdefault(_signature(look(report, path)), path)
    return found


def _paths(report: Mapping[str, object], model: str) -> Iterator[Path]:
    """`latencies` first: `latency` repeats one of them where both are there."""
    for index in range(len(sequence(report, (model, "latencies")))):
        yield (model, "latencies", index)
    if look(report, (model, "latency")) is not None:
        yield (model, "latency")


def _signature(latency: object) -> Signature:
    threads, seconds, tokens = (number(latency, (key,)) for key in ("threads", "audio_seconds", "tokens"))
    return text(latency, ("runtime",)), threads, seconds, tokens
