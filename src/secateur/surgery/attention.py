"""An attention module after heads were cut."""

from typing import Any, final

from torch import nn


@final
class HeadConfig:
    """A configuration seen from one attention module: the shared one, but for the number of heads.

    `transformers` reads the number of heads from the configuration that all layers share. What is written here stays
    here; everything else is read through, so that a later ``set_attn_implementation`` still arrives.
    """

    def __init__(self, shared: Any) -> None:
        self.__dict__["_shared"] = shared

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_shared" not in self.__dict__:
            raise AttributeError(name)  # `copy` probes for these before there is anything to read through
        return getattr(self.__dict__["_shared"], name)


def set_count(module: nn.Module, attribute: str, units: int) -> None:
    """Set where `module` keeps the number of its units: "num_heads", or "config.num_attention_heads"."""
    owner, _, name = attribute.rpartition(".")
    if owner != "config":
        setattr(module, name, units)
        return
    config: Any = module.config
    if not isinstance(config, HeadConfig):
        config = HeadConfig(config)
        module.config = config
    setattr(config, name, units)


def renumber(layer: nn.Module, index: int) -> None:
    """Tell what is inside of a layer which one it is now: its place in a cache of keys and values."""
    for module in layer.modules():
        if isinstance(getattr(module, "layer_idx", None), int):
            module.layer_idx = index  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
