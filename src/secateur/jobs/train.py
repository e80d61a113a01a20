"""`secateur train`: a dense recognizer, from scratch or from a checkpoint."""

import time
from pathlib import Path
from typing import Any

from transformers import set_seed

from secateur.jobs import folder
from secateur.jobs.fit import fit, training_arguments
from secateur.jobs.measure import accuracy, listen, normalizer, peak_memory, size, time_models, write_transcripts
from secateur.jobs.models import load_processor, load_recognizer
from secateur.jobs.provenance import provenance
from secateur.jobs.speech import evaluated, training_speech
from secateur.jobs.teach import teach
from secateur.recipes import Recipe, check
from secateur.training import character_processor, parakeet_ctc

TRAINED = "dense"


def train(
    recipe: Recipe, out: Path | str, *, resume: bool = False, overwrite: bool = False, command: str = "secateur.train"
) -> dict[str, Any]:
    """Train a dense model and write its run folder; return the report.

    Raises:
        RecipeError, DataError, ModelError: The request is wrong; nothing was written.
        DivergedError: The loss is not a number; ``checkpoints/last-good`` holds the weights before.
    """
    check(recipe, verb="train")
    out = folder.claim(Path(out), resume=resume, overwrite=overwrite, recipe=recipe)
    training_arguments(recipe, out, validate=recipe.data.valid is not None)
    set_seed(recipe.seed)
    model, processor = _start(recipe)
    speech = training_speech(recipe, model, processor)
    distillation = teach(recipe, model, processor)
    valid, test = (evaluated(recipe.data.sets(part), processor) for part in ("valid", "test"))
    folder.begin(out, recipe, overwrite=overwrite)
    started = time.monotonic()
    if recipe.trains:
        fit(recipe, model, processor, speech=speech, valid=valid, out=out, distillation=distillation, resume=resume)
    trained = time.monotonic()
    model.eval()
    model.save_pretrained(out / folder.MODEL)
    processor.save_pretrained(out / folder.MODEL)
    heard = {name: listen(model, processor, sets) for name, sets in {"test": test, "valid": valid}.items()}
    if test:
        write_transcripts(out / folder.TRANSCRIPTS, test, {TRAINED: heard["test"]})
    measures = {
        **size(model, out / folder.MODEL),
        **accuracy(heard["test"]),
        **time_models({TRAINED: model}, recipe.bench).measures(TRAINED),
        **peak_memory(out / folder.MODEL, recipe.bench),
    }
    report = {
        **provenance(recipe, command),
        TRAINED: measures,
        **({"valid": accuracy(heard["valid"])} if valid else {}),
        **normalizer(*heard.values()),
        "seconds": {"train": round(trained - started, 1), "evaluate": round(time.monotonic() - trained, 1)},
    }
    folder.write_json(out / folder.REPORT, report)
    return report


def _start(recipe: Recipe) -> tuple[Any, Any]:
    if recipe.model is not None:
        return load_recognizer(recipe.model), load_processor(recipe.model)
    assert recipe.architecture is not None
    shape = recipe.architecture.model_dump(exclude={"family", "tokenizer"})
    processor = character_processor(mel_bins=recipe.architecture.mel_bins)
    return parakeet_ctc(**shape, vocab_size=len(processor.tokenizer)), processor
