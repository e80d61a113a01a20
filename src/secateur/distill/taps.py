"""Hidden states of a model, taken while it runs."""

from collections.abc import Sequence
from typing import Any, final

from torch import Tensor, nn


@final
class Taps:
    """Keeps what some modules of a model return, from one forward to the next."""

    def __init__(self, model: nn.Module, modules: Sequence[str]) -> None:
        """`modules` are dotted names; of a tuple, the first value is kept."""
        self._kept: dict[int, Tensor] = {}
        self._handles = [
            model.get_submodule(name).register_forward_hook(self._keeper(place)) for place, name in enumerate(modules)
        ]

    def take(self) -> list[Tensor]:
        """Return the hidden states of the last forward, in the order of the modules, and forget them.

        A module that was skipped, as layer drop does, passes on what the one before it returned. Empty where none ran.
        """
        kept, self._kept = self._kept, {}
        if not kept:
            return []
        found = [kept[min(kept)]]
        for place in range(len(self._handles)):
            found.append(kept.get(place, found[-1]))
        return found[1:]

    def remove(self) -> None:
        """Take the hooks off."""
        for handle in self._handles:
            handle.remove()
        self._kept = {}

    def _keeper(self, place: int) -> Any:
        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            self._kept[place] = output[0] if isinstance(output, tuple) else output

        return keep
