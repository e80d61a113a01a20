"""`secateur bench`: latency of a recognizer, alone or against another, interleaved in one process."""

from typing import Any

from secateur.jobs.device import describe_device
from secateur.jobs.measure import peak_memory, size, time_models
from secateur.recipes import Bench
from secateur.tasks import load_model, model_folder


def bench(model: str, *, against: str | None = None, settings: Bench | None = None) -> dict[str, Any]:
    """Time forwards of one utterance; with `against`, that model is the base that speed-ups refer to.

    Raises:
        ModelError: A model cannot be loaded.
    """
    settings = settings or Bench()
    names = {"pruned": model} if against is None else {"dense": against, "pruned": model}
    models = {role: load_model(name) for role, name in names.items()}
    timed = time_models(models, settings)
    measures = {role: {"model": name, **_numbers(models[role], name, settings)} for role, name in names.items()}
    for role, numbers in measures.items():
        numbers.update(timed.measures(role))
    report: dict[str, Any] = {"device": describe_device(), "model": measures["pruned"]}
    if against is not None:
        report |= {"against": measures["dense"], "speedups": timed.speedups()}
    return report


def _numbers(model: Any, name: str, settings: Bench) -> dict[str, Any]:
    folder = model_folder(name)
    return {**size(model, folder), **peak_memory(model, folder, settings)}
