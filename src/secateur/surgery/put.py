"""A module takes the place of another."""

from torch import nn


def put(model: nn.Module, path: str, module: nn.Module) -> None:
    """Put `module` where another is, in the mode, training or not, of that one."""
    owner, _, attribute = path.rpartition(".")
    module.train(model.get_submodule(path).training)
    setattr(model.get_submodule(owner), attribute, module)
