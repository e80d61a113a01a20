"""`secateur bench`: latency of a model, alone or against another, interleaved in one process."""

from collections.abc import Sequence
from typing import Any

from secateur.errors import ModelError
from secateur.evaluation import input_unit
from secateur.jobs.contenders import check_runtimes
from secateur.jobs.device import describe_device
from secateur.jobs.measure import Timed, peak_memory, size, time_models
from secateur.jobs.runtimes import run_on
from secateur.recipes import Bench
from secateur.tasks import asked_as, load_model, model_folder


def bench(
    model: str,
    *,
    against: str | None = None,
    settings: Bench | None = None,
    runtimes: Sequence[str] = (),
    threads: Sequence[int] = (),
) -> dict[str, Any]:
    """Time forwards of one utterance or text; with `against`, that model is the base that speed-ups refer to.

    With `runtimes`, `model` is timed on these too, beside PyTorch's dense forms of it, whole and layer by layer, with
    each number of `threads` (unless given, that of `settings`).

    Raises:
        ModelError: A model cannot be loaded, or one hears speech and the other reads text; or it cannot be exported.
        MissingExtraError: A runtime is missing.
    """
    settings = settings or Bench()
    check_runtimes(runtimes)
    names = {"pruned": model} if against is None else {"dense": against, "pruned": model}
    models = {role: _load(role, name) for role, name in names.items()}
    if len({input_unit(each) for each in models.values()}) > 1:
        raise ModelError(
            f"`--against` must take what `{model}` takes, audio or text, but `{against}` takes the other: they "
            f"cannot be compared"
        )
    timed = time_models(models, settings)
    measures = {role: {"model": name, **_numbers(models[role], name, timed)} for role, name in names.items()}
    for role, numbers in measures.items():
        numbers.update(timed.measures(role))
    report: dict[str, Any] = {"device": describe_device(), "model": measures["pruned"]}
    if against is not None:
        report |= {"against": measures["dense"], "speedups": timed.speedups()}
    if runtimes:
        counts = threads or (settings.threads,)
        report["runtimes"] = run_on(models["pruned"], runtimes, settings=settings, threads=counts)
    return report


def _load(role: str, name: str) -> Any:
    with asked_as("MODEL" if role == "pruned" else "--against"):
        return load_model(name)


def _numbers(model: Any, name: str, timed: Timed) -> dict[str, Any]:
    folder = model_folder(name)
    return {**size(model, folder), **peak_memory(folder, timed)}
