"""Makes ``from_pretrained`` know pruned folders, without importing `transformers` before anybody needs it.

`transformers` looks up who rebuilds a model in two tables of `transformers.quantizers.auto`. Our rows go in as soon as
that module has been imported, by whomever; what they lead to, `secateur.checkpoint.hook`, is imported when the first
pruned folder is opened. So ``import secateur`` takes milliseconds, and so does ``secateur --help``.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, final

METHOD = "secateur"
"""The ``quant_method`` in the ``config.json`` of a pruned folder."""

WATCHED = "transformers.quantizers.auto"


@final
class _Config:
    """Stands in the table of configurations until one is read."""

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any], **options: Any) -> Any:
        from secateur.checkpoint.hook import SecateurConfig

        return SecateurConfig.from_dict(fields, **options)


def _loader(config: Any, **options: Any) -> Any:
    """Stand in the table of loaders until one is needed."""
    from secateur.checkpoint.hook import SecateurLoader

    return SecateurLoader(config, **options)


def install() -> None:
    """Add our rows to the tables of `transformers`, now or when they come into being."""
    if WATCHED in sys.modules:
        _add_rows(sys.modules[WATCHED])
    elif not any(isinstance(finder, _Watch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watch())


def _add_rows(tables: ModuleType) -> None:
    tables.AUTO_QUANTIZATION_CONFIG_MAPPING.setdefault(METHOD, _Config)
    tables.AUTO_QUANTIZER_MAPPING.setdefault(METHOD, _loader)


@final
class _Watch(MetaPathFinder):
    """Waits for the watched module: finds it as everybody else would, and adds our rows once it has run."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """Return nothing for any other module."""
        if fullname != WATCHED:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader)
        return spec


@final
class _Then(Loader):
    """Loads as another loader does, then adds our rows."""

    def __init__(self, first: Loader) -> None:
        self._first = first

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the other."""
        return self._first.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then add our rows."""
        self._first.exec_module(module)
        _add_rows(module)
