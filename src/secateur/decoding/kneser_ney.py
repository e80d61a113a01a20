r"""An n-gram estimated from text: interpolated Kneser-Ney, written in the ARPA format that every toolkit reads.

.. math::
    p(w | h) = \frac{\max(c(hw) - d, 0)}{c(h\cdot)} + \gamma(h) \, p(w | h'), \quad
    \gamma(h) = d \, \frac{N_{1+}(h\cdot)}{c(h\cdot)}

with h' the history without its first word, and 1 / V below the unigrams, so that unknown words have a share. c counts
occurrences at the highest order, and below it how many words an n-gram has been seen behind, unless it begins the
sentence: nothing can stand before that. One discount per order, d = n1 / (n1 + 2 n2), from how many n-grams have
count 1 and 2.

Counts are held in memory, some hundred bytes for each n-gram: for corpora of many million words take KenLM's ``lmplz``.

Source: Kneser & Ney 1995; interpolated as in Chen & Goodman 1998; the discount of Ney, Essen & Kneser 1994.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from secateur.errors import DataError, RequestError

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"

ORDER = 3
"""Words per n-gram: histories of two."""

LOWEST_ORDER, HIGHEST_ORDER = 2, 6
"""What KenLM reads, as flashlight-text brings it."""

NO_DISCOUNT_KNOWN = 0.5
"""Where no n-gram was seen once, or none twice: a small text says nothing of the discount."""

NEVER = -99.0
"""The logarithm that the format has for what is never predicted: the beginning of a sentence."""

Gram = tuple[str, ...]
Counts = list[Counter[Gram]]
"""Order - 1 -> n-gram -> count."""

Table = dict[Gram, float]


def write_arpa(path: Path, sentences: Iterable[str], *, order: int = ORDER) -> None:
    """Estimate an n-gram and write it in the ARPA format.

    Raises:
        RequestError: `order` is out of range.
        DataError: There is no word, or one that the format needs for itself.
    """
    if not LOWEST_ORDER <= order <= HIGHEST_ORDER:
        raise RequestError(f"`order` must be {LOWEST_ORDER} to {HIGHEST_ORDER} words, but is {order}")
    counts = count(sentences, order=order)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in _lines(counts))


def count(sentences: Iterable[str], *, order: int) -> Counts:
    """Count the n-grams of every order that the sentences are long enough for, as Kneser-Ney does.

    Raises:
        DataError: There is no word, or one that the format needs for itself.

    >>> [dict(counts) for counts in count(["a b", "b"], order=2)]  # doctest: +NORMALIZE_WHITESPACE
    [{('a',): 1, ('b',): 2, ('</s>',): 1},
     {('<s>', 'a'): 1, ('a', 'b'): 1, ('b', '</s>'): 2, ('<s>', 'b'): 1}]
    """
    highest: Counter[Gram] = Counter()
    begun: list[Counter[Gram]] = [Counter() for _ in range(order)]
    for sentence in sentences:
        words = (BEGIN, *_words(sentence), END)
        highest.update(words[i : i + order] for i in range(len(words) - order + 1))
        for length in range(2, min(order, len(words) + 1)):
            begun[length - 1][words[:length]] += 1
    counts: Counts = [highest]
    for beginnings in reversed(begun[:-1]):
        counts.insert(0, Counter(gram[1:] for gram in counts[0]) + beginnings)
    if not counts[0].keys() - {(END,)}:
        raise DataError("`sentences` must hold at least one word to count, but hold none")
    return [one for one in counts if one]  # no sentence may be as long as the highest orders


def _words(sentence: str) -> list[str]:
    words = sentence.split()
    for mark in (BEGIN, END, UNKNOWN):
        if mark in words:
            raise DataError(f"`sentences` must be plain words, but one holds `{mark}` ({sentence[:40]!r}); remove it")
    return words


def _discount(counts: Mapping[Gram, int]) -> float:
    once, twice = (sum(number == n for number in counts.values()) for n in (1, 2))
    return once / (once + 2 * twice) if once and twice else NO_DISCOUNT_KNOWN


def _lines(counts: Counts) -> Iterator[str]:
    orders = list(_interpolated(counts))
    yield "\\data\\"
    yield from (f"ngram {length}={len(likely)}" for length, (likely, _) in enumerate(orders, start=1))
    for length, (likely, _) in enumerate(orders, start=1):
        back = orders[length][1] if length < len(orders) else {}
        yield f"\n\\{length}-grams:"
        yield from (_line(probability, gram, back) for gram, probability in likely.items())
    yield "\n\\end\\"


def _interpolated(counts: Counts) -> Iterator[tuple[Table, Table]]:
    """Yield, per order, the probability of each n-gram and what each history leaves for the order below."""
    below: Table = {}
    for one in counts:
        shares, left = _discounted(one)
        if not below:
            rest = left[()] / (len(shares) + 1)  # V: the words, the end, and the unknown one
            below = {gram: share + rest for gram, share in shares.items()} | {(UNKNOWN,): rest, (BEGIN,): 0.0}
        else:
            below = {gram: share + left[gram[:-1]] * below[gram[1:]] for gram, share in shares.items()}
        yield below, left


def _discounted(counts: Mapping[Gram, int]) -> tuple[Table, Table]:
    """Return each n-gram's discounted share of its history, and what that leaves of each history."""
    discount = _discount(counts)
    totals: Counter[Gram] = Counter()
    for gram, number in counts.items():
        totals[gram[:-1]] += number
    kinds = Counter(gram[:-1] for gram in counts)
    shares = {gram: (number - discount) / totals[gram[:-1]] for gram, number in counts.items()}
    return shares, {history: discount * kinds[history] / total for history, total in totals.items()}


def _line(probability: float, gram: Gram, back: Table) -> str:
    likely = math.log10(probability) if probability else NEVER
    return f"{likely:.7f}\t{' '.join(gram)}" + (f"\t{math.log10(back[gram]):.7f}" if gram in back else "")
