"""YAML, safely: bounded in size, depth and expansion, with no key given twice."""

import re
from collections.abc import Iterator
from typing import Any, final

import yaml

from secateur.errors import RecipeError

MAX_BYTES = 1 << 20
"""A larger file is no recipe."""

MAX_DEPTH = 32
"""Deepest nesting: a recipe needs five, and Python's stack ends at a thousand."""

MAX_NODES = 20_000
"""Most values after all aliases are followed: nested aliases grow exponentially from a few lines."""

# PyYAML follows YAML 1.1, where "5e-4" and "1.5e3" are text; everyone who writes a learning rate means numbers.
_EXPONENT = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+$")
_FLOAT = "tag:yaml.org,2002:float"


@final
class _Loader(yaml.SafeLoader):
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.depth >= MAX_DEPTH:
            raise RecipeError([f"the YAML must be nested at most {MAX_DEPTH} deep, but is deeper"])
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


@final
class _Dumper(yaml.SafeDumper):
    pass


_Loader.add_implicit_resolver(_FLOAT, _EXPONENT, list("-+.0123456789"))
_Dumper.add_implicit_resolver(_FLOAT, _EXPONENT, list("-+.0123456789"))


def parse(text: str, *, name: str) -> Any:
    """Parse one YAML document called `name` in messages.

    >>> parse("train: {learning_rate: 5e-4}", name="recipe")
    {'train': {'learning_rate': 0.0005}}

    Raises:
        RecipeError: It is no YAML, too large, or has a key twice (all of those are listed).
    """
    size = len(text.encode(errors="replace"))
    if size > MAX_BYTES:
        raise RecipeError([f"{name} must have at most {MAX_BYTES} bytes, but has {size}"])
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, name=name)
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise RecipeError([f"{name} must be YAML, but {_complaint(error)}"]) from error
    except ValueError as error:  # a number or a date that only looks like one
        raise RecipeError([f"{name} must be YAML, but has a bad value: {error}"]) from error


def write(value: Any) -> str:
    """Write plain data as YAML, short mappings and lists on one line."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)


def _complaint(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    what = str(getattr(error, "problem", None) or error).splitlines()[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}" if mark else what


def _check(node: yaml.Node, *, name: str) -> None:
    if _expanded(node, {}) > MAX_NODES:
        raise RecipeError([f"{name} must have at most {MAX_NODES} values, but its aliases stand for more"])
    twice = list(dict.fromkeys(_duplicates(node)))
    if twice:
        raise RecipeError(twice)


def _expanded(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Values below `node` once every alias is followed; a node that contains itself counts as too many."""
    if id(node) not in sizes:
        sizes[id(node)] = MAX_NODES + 1
        sizes[id(node)] = 1 + sum(_expanded(child, sizes) for child in _children(node))
    return sizes[id(node)]


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield from (child for pair in node.value for child in pair)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _duplicates(node: yaml.Node) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in first:
                yield f"`{key.value}` must be given once, but is on line {first[key.value]} and again on line {line}"
            first.setdefault(key.value, line)
    for child in _children(node):
        yield from _duplicates(child)
