"""The utterances that the two models transcribe differently."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import final

from secateur.report.values import text
from secateur.report.words import Stretch, align, errors

MAX_SHOWN = 200
"""More than anyone reads; the rest is counted."""


@final
@dataclass(frozen=True, kw_only=True)
class Utterance:
    """One utterance with both transcripts and their word errors."""

    name: str
    """Its `id`, or the path of its audio."""

    where: str
    """The set it belongs to."""

    reference: str
    dense: str
    pruned: str
    dense_errors: int
    pruned_errors: int

    @property
    def order(self) -> tuple[int, int, str, str]:
        """Sorts the worst first; ties by name, so that the page is the same on each machine."""
        return self.dense_errors - self.pruned_errors, -self.pruned_errors, self.where, self.name

    @property
    def effect(self) -> str:
        """What pruning did to it: "worse", "better" or "same"."""
        if self.pruned_errors == self.dense_errors:
            return "same"
        return "worse" if self.pruned_errors > self.dense_errors else "better"

    @property
    def dense_words(self) -> tuple[Stretch, ...]:
        """The dense model's transcript against the reference."""
        return align(self.reference, self.dense)

    @property
    def pruned_words(self) -> tuple[Stretch, ...]:
        """The pruned model's transcript against the reference."""
        return align(self.reference, self.pruned)


@final
@dataclass(frozen=True, kw_only=True)
class Changes:
    """What pruning did to the transcripts."""

    worse: int = 0
    better: int = 0
    same: int = 0
    """Transcribed differently, with as many errors."""

    unchanged: int = 0
    skipped: int = 0
    """Records without a reference and both transcripts."""

    shown: tuple[Utterance, ...] = ()
    """The worst `MAX_SHOWN` of those that changed."""

    @property
    def changed(self) -> int:
        """Utterances whose transcripts differ."""
        return self.worse + self.better + self.same

    @property
    def rest(self) -> int:
        """Changed utterances that are only counted."""
        return self.changed - len(self.shown)


def compare(records: Iterable[Mapping[str, object]]) -> Changes:
    """Sort utterances by what pruning did to them, worst first.

    >>> found = compare([{"reference": "a b", "dense": "a b", "pruned": "a"}, {"reference": "c"}])
    >>> found.worse, found.unchanged, found.skipped, found.shown[0].pruned_errors
    (1, 0, 1, 1)
    """
    changed: list[Utterance] = []
    unchanged = skipped = 0
    for record in records:
        texts = tuple(text(record, (key,)) for key in ("reference", "dense", "pruned"))
        reference, dense, pruned = texts
        if reference is None or dense is None or pruned is None:
            skipped += 1
        elif dense.split() == pruned.split():
            unchanged += 1
        else:
            changed.append(_utterance(record, (reference, dense, pruned)))
    effects = [utterance.effect for utterance in changed]
    return Changes(
        worse=effects.count("worse"),
        better=effects.count("better"),
        same=effects.count("same"),
        unchanged=unchanged,
        skipped=skipped,
        shown=tuple(sorted(changed, key=attrgetter("order"))[:MAX_SHOWN]),
    )


def _utterance(record: Mapping[str, object], texts: tuple[str, str, str]) -> Utterance:
    reference, dense, pruned = texts
    return Utterance(
        name=str(record.get("id") or record.get("audio_filepath") or ""),
        where=text(record, ("set",)) or "",
        reference=reference,
        dense=dense,
        pruned=pruned,
        dense_errors=errors(reference, dense),
        pruned_errors=errors(reference, pruned),
    )
