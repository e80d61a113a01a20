"""`secateur eval` with beam search and language models."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

from secateur.counted import counted
from secateur.data import Utterance, read_all
from secateur.decoding import Weights
from secateur.errors import RequestError
from secateur.jobs.contenders import accelerated
from secateur.jobs.decoding import Decoding
from secateur.jobs.device import describe_device
from secateur.jobs.once import Once
from secateur.recipes import Rescore
from secateur.tasks import SPEECH, Judged, asked_as, model_folder
from secateur.tasks.alphabets import check_alphabets
from secateur.tasks.decoded import Decoded, Recognizer, Searched, Tuned, Watched, decoded, recognizer, search, tuned
from secateur.tasks.heard import SpeechSet
from secateur.tasks.language import Language, load_language

Sets = Mapping[str, tuple[str, ...]]

Weighed = Sequence[tuple[Language, Tuned]]
"""Language models, and how much each counts."""

Find = Callable[[Recognizer, Sets, Weighed], list[Searched]]
"""A recognizer, sets, and language models that take part -> what it finds in each set."""


@final
@dataclass(frozen=True, kw_only=True)
class Names:
    """What messages call the arguments."""

    recognizer: str
    lm: str
    data: str
    tune_on: str


OPTIONS = Names(recognizer="MODEL", lm="--lm", data="--data", tune_on="--tune-on")
FIELDS = Names(recognizer="rescore.recognizer", lm="model", data="rescore.data", tune_on="rescore.tune_on")


def check_rescoring(rescore: Rescore, lm: str) -> None:
    """Make sure that a recognizer, its speech and a language model go together, before anything is trained.

    The speech is read as it will be, and the language model scores what was said.

    Raises:
        RequestError, ModelError, DataError, MissingExtraError: As `evaluate_decoded`.
    """
    sets, decoding = _asked(rescore, lm)
    _check_apart(sets, decoding.tune_on, FIELDS)
    language = load_language(lm)
    hearer = _load(rescore.recognizer, [language], decoding.size, FIELDS)
    read = SPEECH.read({**sets, FIELDS.tune_on: decoding.tune_on}, hearer.model, hearer.processor)
    with language.faster():
        language.scorer([utterance.text for s in read for utterance in s.utterances])


def rescored(rescore: Rescore, *, dense: str, pruned: Sequence[str], edits: bool = False) -> list[dict[str, Any]]:
    """Return what each of `pruned` is worth to a recognizer beside `dense`: rates with each, with none, of the oracle.

    The speech is heard once, which later calls with the same recognizer and speech profit from, as long as the process
    lasts. With `edits`, the wrong words of each utterance stand beside the rates.

    Raises:
        RequestError, ModelError, DataError, MissingExtraError: As `evaluate_decoded`.
    """
    sets, decoding = _asked(rescore, dense, *pruned)
    found = evaluate_decoded(
        rescore.recognizer, sets, against=None, decoding=decoding, edits=edits, names=FIELDS, find=_found_once
    )
    first, *others = found["lms"]
    shared = {
        "recognizer": rescore.recognizer,
        "tuned_on": list(decoding.tune_on),
        **{key: found[key] for key in ("nbest", "normalizer")},
        **{key: found[key] for key in ("greedy", "oracle")},
        "without": {key: found[key] for key in found["oracle"]},
        "dense": _alone(first),
    }
    return [{**shared, "pruned": _alone(row), "comparison": row["against_first_lm"]} for row in others]


def _alone(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in row if key not in APART}


APART = ("lm", "tuned_on", "against_first_lm")
"""What is the same for both, or stands elsewhere."""


def _asked(rescore: Rescore, *lms: str) -> tuple[Sets, Decoding]:
    data, tune_on = ((paths,) if isinstance(paths, str) else paths for paths in (rescore.data, rescore.tune_on))
    return {FIELDS.data: data}, Decoding(lms=lms, tune_on=tune_on, nbest=rescore.nbest)


def evaluate_decoded(
    model: str,
    sets: Sets,
    *,
    against: str | None,
    decoding: Decoding,
    runtime: str = "torch",
    edits: bool = False,
    names: Names = OPTIONS,
    find: Find | None = None,
) -> dict[str, Any]:
    """Measure a recognizer in every way of decoding, and compare them, and with the same of another recognizer.

    `runtime` is what runs `model`, `find` what searches, or knows what was found before. With `edits`, each language
    model's rates come with its `word_edits` and `word_counts`, per utterance of all sets.

    Raises:
        RequestError: Weights are to be tuned on what is measured.
        ModelError, DataError: A model or file is wrong, or a language model does not fit the recognizer.
        MissingExtraError: The extra ``decoding`` is not installed.
    """
    _check_apart(sets, decoding.tune_on, names)
    with asked_as(names.lm):
        languages = [load_language(name) for name in decoding.lms]
    hearers = [_load(model, languages, decoding.size, names, runtime=runtime)]
    if against is not None:
        hearers.append(_load(against, languages, decoding.size, replace(names, recognizer="--against")))
    rows = [_decoded(hearer, sets, languages, decoding, names, find or _found) for hearer in hearers]
    report: dict[str, Any] = {"model": model, **_report(rows[0], decoding, edits=edits), **rows[0].beam.notes()}
    if against is not None:
        report["against"] = {"model": against, **_report(rows[1], decoding)}
        report["comparison"] = rows[0].beam.compared(rows[1].beam)
        for numbers, one, other in zip(report.get("lms", []), rows[0].languages, rows[1].languages, strict=True):
            numbers["against"] = one.heard.compared(other.heard)
    return report | rows[0].beam.extent() | {"device": describe_device()}


def _check_apart(sets: Sets, tune_on: tuple[str, ...], names: Names) -> None:
    """Make sure that nothing is both tuned on and measured."""
    tuning = {_place(utterance) for utterance in read_all(tune_on)}
    for name, paths in sets.items():
        shared = sum(_place(utterance) in tuning for utterance in read_all(paths))
        if shared:
            raise RequestError(
                f"`{names.tune_on}` must be other speech than `{names.data}`, but {shared} utterances of `{name}` are "
                f"in both: a weight that has seen the test set makes its error rate too good; name a validation set"
            )


def _place(utterance: Utterance) -> tuple[str, float]:
    return str(utterance.audio.resolve()), utterance.offset


def _load(name: str, languages: Sequence[Language], nbest: int, names: Names, *, runtime: str = "torch") -> Recognizer:
    with asked_as(names.recognizer):
        model, processor = SPEECH.load(name), SPEECH.load_processor(name)
        if runtime == "sparse":
            model = accelerated(model, name)
        found = recognizer(name, model, processor, nbest=nbest)
    with asked_as(names.lm):
        for language in languages:
            check_alphabets(name, set(found.pieces) - set(processor.tokenizer.all_special_tokens), language)
    return found


def _decoded(
    hearer: Recognizer,
    sets: Sets,
    languages: Sequence[Language],
    decoding: Decoding,
    names: Names,
    find: Find,
) -> Decoded:
    if decoding.tune_on:
        [tuning] = find(hearer, {names.tune_on: decoding.tune_on}, ())
        known = tuned(tuning, languages)
    else:
        known = [_given(decoding)] * len(languages)
    weighed = list(zip(languages, known, strict=True))
    return decoded(find(hearer, sets, weighed if decoding.fuses else ()), weighed)


def _given(decoding: Decoding) -> Tuned:
    return Tuned(Weights(decoding.lm_weight or 0.0, decoding.word_bonus or 0.0))


def _found(hearer: Recognizer, sets: Sets, fused: Weighed) -> list[Searched]:
    read = SPEECH.read(sets, hearer.model, hearer.processor)
    return [search(hearer, s, fused=fused, watched=_counted(s)) for s in read]


_heard: Once[list[Searched]] = Once(2)
"""What the last recognizer found without language models, in what is measured and in what is tuned on."""


def _found_once(hearer: Recognizer, sets: Sets, fused: Weighed) -> list[Searched]:
    """Search, unless the same recognizer has just done so in the same speech: for sizes, and cells of a sweep."""
    if fused:
        return _found(hearer, sets, fused)
    return _heard(model_folder(hearer.name), sets, lambda: _found(hearer, sets, fused), hearer.nbest)


def _counted(s: SpeechSet) -> Watched:
    return partial(counted, what="decoding", total=len(s.utterances))


def _report(rows: Decoded, decoding: Decoding, *, edits: bool = False) -> dict[str, Any]:
    report: dict[str, Any] = {
        **rows.beam.measures(),
        "decoder": "beam",
        "nbest": decoding.size,
        "oracle_wer": _wer(rows.oracle),
        "greedy": rows.greedy.measures(),
        "oracle": rows.oracle.measures(),
    }
    return report | ({"lms": list(_languages(rows, decoding, edits=edits))} if rows.languages else {})


def _wer(judged: Judged) -> float:
    return float(judged.measures()["wer"])


def _languages(rows: Decoded, decoding: Decoding, *, edits: bool) -> Iterator[dict[str, Any]]:
    first = rows.languages[0]
    for one in rows.languages:
        seconds = one.tuned.seconds_per_hypothesis
        yield {
            "lm": one.language.name,
            "use": "fusion" if decoding.fuses else "rescoring",
            "lm_weight": one.tuned.weights.lm,
            "word_bonus": one.tuned.weights.bonus,
            **({"tuned_on": list(decoding.tune_on)} if decoding.tune_on else {}),
            **({"seconds_per_hypothesis": seconds} if seconds is not None else {}),
            **one.heard.measures(),
            **(one.heard.counts() if edits else {}),
            "against_no_lm": one.heard.compared(rows.beam),
            **({"against_first_lm": one.heard.compared(first.heard)} if one is not first else {}),
        }
