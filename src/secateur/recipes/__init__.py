"""Recipes: the typed schema, loading, overrides, and the recipes that come with secateur."""

from secateur.recipes.architecture import Architecture, TextArchitecture
from secateur.recipes.load import dump, load, read, recipe_from, verb_of
from secateur.recipes.parts import (
    Augment,
    Bench,
    Data,
    Distill,
    Gates,
    Named,
    SpecAugment,
)
from secateur.recipes.rules import Verb, check
from secateur.recipes.schema import Recipe, Schedule
from secateur.recipes.shipped import command, describe, shipped
from secateur.recipes.target import Target, Unit

__all__ = [
    "Architecture",
    "Augment",
    "Bench",
    "Data",
    "Distill",
    "Gates",
    "Named",
    "Recipe",
    "Schedule",
    "SpecAugment",
    "Target",
    "TextArchitecture",
    "Unit",
    "Verb",
    "check",
    "command",
    "describe",
    "dump",
    "load",
    "read",
    "recipe_from",
    "shipped",
    "verb_of",
]
