"""Recipes and sweeps: the typed schemas, loading, overrides, and those that come with secateur."""

from secateur.recipes.architecture import Architecture, TextArchitecture
from secateur.recipes.cells import Cell, cells
from secateur.recipes.load import dump, load, read, recipe_from, verb_of
from secateur.recipes.load_sweep import dump_sweep, is_sweep, load_sweep, sweep_from
from secateur.recipes.method_parts import Between, Gates
from secateur.recipes.parts import (
    Augment,
    Bench,
    Data,
    Distill,
    Named,
    Rescore,
    SpecAugment,
)
from secateur.recipes.rules import Verb, check
from secateur.recipes.schema import Recipe, Schedule
from secateur.recipes.shipped import command, describe, shipped, sweeps
from secateur.recipes.sweep import Sweep
from secateur.recipes.target import Target, Unit

__all__ = [
    "Architecture",
    "Augment",
    "Bench",
    "Between",
    "Cell",
    "Data",
    "Distill",
    "Gates",
    "Named",
    "Recipe",
    "Rescore",
    "Schedule",
    "SpecAugment",
    "Sweep",
    "Target",
    "TextArchitecture",
    "Unit",
    "Verb",
    "cells",
    "check",
    "command",
    "describe",
    "dump",
    "dump_sweep",
    "is_sweep",
    "load",
    "load_sweep",
    "read",
    "recipe_from",
    "shipped",
    "sweep_from",
    "sweeps",
    "verb_of",
]
