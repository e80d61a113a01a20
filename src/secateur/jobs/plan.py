"""`secateur plan`: what would leave, without training."""

from collections.abc import Sequence
from typing import Any

from transformers import set_seed

from secateur.checkpoint import file_bytes, mark
from secateur.families import family_of
from secateur.jobs.calibrate import calibrate
from secateur.jobs.compose import compose, require_data
from secateur.jobs.contenders import check_runtimes
from secateur.jobs.factorise import factorise
from secateur.jobs.measure import model_size
from secateur.jobs.plan_runtimes import plan_runtimes
from secateur.jobs.run import check_rescore
from secateur.jobs.target import target_report
from secateur.methods import Scheduled
from secateur.recipes import Recipe, check
from secateur.surgery import shrink
from secateur.tasks import task_for


def plan(recipe: Recipe, *, runtimes: Sequence[str] = ()) -> dict[str, Any]:
    """Score the model as it is, cut to the target at once, and return the numbers; nothing is written or trained.

    Training moves scores, so a gradual run may choose other units; the sizes are those that it will reach. With several
    `targets`, what is returned is ``{"sizes": plans}``. Of `runtimes`, ``onnx`` is tried, too: it exports the model.

    Raises:
        RecipeError, DataError, ModelError, TargetError: The request is wrong.
        RequestError: There is no such runtime.
        MissingExtraError: `rescore` needs the extra ``decoding``, or a runtime is not installed.
    """
    check(recipe, verb="plan")
    check_runtimes(runtimes)
    check_rescore(recipe, task_for(recipe))
    if recipe.targets is not None:
        sizes = [recipe.model_copy(update={"target": t, "targets": None}) for t in recipe.targets]
        return {"sizes": [_plan(size, runtimes) for size in sizes]}
    return _plan(recipe, runtimes)


def _plan(recipe: Recipe, runtimes: Sequence[str]) -> dict[str, Any]:
    assert recipe.model is not None
    set_seed(recipe.seed)
    task = task_for(recipe)
    model = task.load(recipe.model)
    processor = task.load_processor(recipe.model) if recipe.data.train else None
    dense = model_size(model, file_bytes(model))
    factorise(recipe, task, model, processor)
    pruning = compose(recipe, model, preview=True)
    require_data(recipe, pruning)
    method = pruning.method
    assert isinstance(method, Scheduled)
    method.prepare(model, pruning.groups, total_steps=0)
    if method.needs_batches:
        training = task.training(recipe, model, processor, plain=True)
        calibrate(model, training, recipe, observe=method.observe, gradients=method.needs_gradients)
    method.cut(1.0)
    masks = method.finish()
    shrink(model, pruning.groups, masks, set_layers=family_of(model).set_layers)
    mark(model)
    target = target_report(method.budget, model, masks, pruning.groups)
    sites = [
        {
            "name": group.name,
            "granularity": group.granularity,
            "module": group.module,
            "units": group.units,
            "kept": int(masks[group.name].sum()),
        }
        for group in pruning.groups
    ]
    pruned = model_size(model, file_bytes(model))
    return {
        "target": target,
        "dense": dense,
        "pruned": pruned,
        "sites": sites,
        "needs_secateur": hasattr(model.config, "quantization_config"),
        "runtimes": plan_runtimes(model, runtimes, dense=dense, planned=pruned),
    }
