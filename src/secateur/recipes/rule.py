"""What a rule of recipes is."""

from collections.abc import Callable, Iterator
from typing import Literal

from secateur.recipes.schema import Recipe

Verb = Literal["train", "prune", "plan"]

Rule = Callable[[Recipe, Verb], Iterator[str]]
"""What is wrong with a recipe for a verb, a sentence each."""

Reads = tuple[str, ...]
"""The fields that a rule reads: where one of them could not be read itself, the rule is passed over."""
