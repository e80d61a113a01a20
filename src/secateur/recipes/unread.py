"""The fields that a recipe's method does not read: they may stay from another row, but tell no two recipes apart."""

from collections.abc import Iterator, Mapping

from secateur.recipes.schema import Recipe

UNREAD: Mapping[str, tuple[str, ...]] = {
    "scheduled": ("gates", "low_rank", "sensing"),
    "low_rank": ("gates", "sensing"),
    "l0": ("criterion", "allocation", "low_rank", "sensing"),
    "compressed_sensing": ("criterion", "gates", "low_rank"),
}
"""Method -> the fields that say nothing to it."""


def as_read(recipe: Recipe) -> Recipe:
    """Return a recipe with the defaults of what its method does not read.

    >>> as_read(Recipe(method="l0", round_to=8, low_rank={"factors": "svd"})) == Recipe(method="l0", round_to=8)
    True
    """
    defaults = Recipe()
    names = [*UNREAD[recipe.method], *_idle(recipe)]
    return recipe.model_copy(update={name: getattr(defaults, name) for name in names})


def _idle(recipe: Recipe) -> Iterator[str]:
    """Name the fields that say nothing beside the values of others."""
    yield from (shape for shape in ("n_of_m", "block") if shape not in recipe.granularity)
    if recipe.targets is None:
        yield "cool_down"


def unread(one: Recipe, other: Recipe) -> list[str]:
    """Name the fields in which two recipes of one method differ though it does not read them."""
    return [name for name in UNREAD[one.method] if getattr(one, name) != getattr(other, name)]
