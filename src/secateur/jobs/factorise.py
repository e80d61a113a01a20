"""Every layer that may lose rank becomes two, before anything is cut."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from secateur.errors import RecipeError
from secateur.evaluation import on_accelerator
from secateur.families import LowRank, factorable, matches, matrix_of, site_of
from secateur.jobs.calibrate import calibrate
from secateur.methods import by_information, by_moments, factors
from secateur.methods.inputs import InputMeans, moments
from secateur.recipes import Recipe
from secateur.surgery import split
from secateur.tasks import Task


def factorise(recipe: Recipe, task: Task[Any, Any], model: Any, processor: Any) -> None:
    """Split the layers that a recipe of the method `low_rank` names, in place; the model's function stays.

    Raises:
        RecipeError: There are none.
        DataError, WorkError: What is needed to measure inputs cannot be read, or gives no number.
    """
    if recipe.method != "low_rank":
        return
    layers = layers_to_split(recipe, model)
    with on_accelerator(model):
        seen, measure = _seen(recipe, task, model, processor, layers)
        split_layers(model, layers, seen, measure=measure)


def split_layers(
    model: nn.Module,
    layers: Mapping[str, nn.Module],
    seen: dict[str, Tensor],
    *,
    measure: Callable[[Tensor], Tensor] = by_moments,
) -> None:
    """Split `layers`, by the measure of what was seen of their inputs where that is known.

    What was `seen` is taken out as it is used: a measure is as large as its layer, and in double precision.
    """
    for name, layer in layers.items():
        known = seen.pop(name, None)
        split(model, name, *factors(matrix_of(layer), None if known is None else measure(known)))


def layers_to_split(recipe: Recipe, model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers that a recipe lets be split, by dotted name; those in two factors already stay so.

    Raises:
        RecipeError: There are none.
    """
    found = factorable(model)
    chosen = {
        name: layer
        for name, layer in found.items()
        if matches(site_of(name), recipe.include) and not matches(site_of(name), recipe.exclude)
    }
    already = any(isinstance(module, LowRank) for module in model.modules())
    if not chosen and not already:
        sites = ", ".join(map(site_of, list(found)[:3]))
        raise RecipeError(
            [
                f"`include` and `exclude` must leave a layer to split, but of {len(found)} sites ({sites}, ...) none "
                f"is left; loosen a pattern"
            ]
        )
    return chosen


def _seen(
    recipe: Recipe, task: Task[Any, Any], model: Any, processor: Any, layers: Mapping[str, nn.Module]
) -> tuple[dict[str, Tensor], Callable[[Tensor], Tensor]]:
    """Return what batches show of the inputs of every layer, and what makes a measure of it."""
    kind = recipe.low_rank.factors
    if kind == "svd":
        return {}, by_moments
    training = task.training(recipe, model, processor, plain=True)
    if kind == "whitened":
        inputs = InputMeans(model, [f"{name}.weight" for name in layers], of=moments)
        calibrate(model, training, recipe, observe=lambda: None, gradients=False)
        inputs.remove()
        return {name.removesuffix(".weight"): mean for name, mean in inputs.take().items()}, by_moments
    sums: dict[str, Tensor] = {}
    calibrate(model, training, recipe, observe=lambda: _add_information(sums, layers))
    return sums, by_information


def _add_information(sums: dict[str, Tensor], layers: Mapping[str, nn.Module]) -> None:
    """Add the squares of the gradients in place, summed over each input's weights."""
    for name, layer in layers.items():
        gradient = layer.get_parameter("weight").grad
        if gradient is not None:
            squares = matrix_of(layer, gradient).double().square().sum(0)
            sums[name] = sums[name] + squares if name in sums else squares
