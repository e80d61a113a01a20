"""The hook that makes `from_pretrained` rebuild pruned shapes before the weights load.

`config.json` carries ``quantization_config: {"quant_method": "secateur", "plan": {...}}``. That field is the only
place where `transformers` lets a library change the modules of a model between its construction and the loading of
its weights; nothing is quantized. After loading, every trace by which the library would count the model as quantized
is removed, so that the Trainer, ``.half()``, ``save_pretrained`` and PEFT see an ordinary model.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import torch
from torch import nn
from transformers.quantizers.base import HfQuantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from secateur.autoload import METHOD
from secateur.checkpoint.factors import split_layers
from secateur.checkpoint.plan_file import masks_for, shapes
from secateur.checkpoint.unpack import Unpack, open_packed
from secateur.errors import ModelError
from secateur.families import FAMILIES, family_of
from secateur.surgery import ranks, shrink, whole

SCHEMA = 1

ALIGNMENT = 64
"""Bytes: a cache line, and what PyTorch's own allocator gives."""


@final
class SecateurConfig(QuantizationConfigMixin):
    """What `config.json` says about a pruned model: the family, the units of each site, the ranks of split layers.

    And whether its weights lie in a packed file; then there may be no plan.
    """

    def __init__(self, plan: Any = None, quant_method: str = METHOD, packed: Any = None, **_: Any) -> None:
        self.quant_method = quant_method  # pyright: ignore[reportAttributeAccessIssue]
        self.plan: Any = plan  # read from a file: `apply_plan` looks at what it is
        self.packed: Any = packed

    def to_dict(self) -> dict[str, Any]:
        """Return what `config.json` holds."""
        packed = {} if self.packed is None else {"packed": self.packed}
        return {"quant_method": METHOD, "plan": self.plan, **packed}

    def to_diff_dict(self) -> dict[str, Any]:
        """Return what `config.json` holds: nothing of it is a default."""
        return self.to_dict()


@final
class SecateurLoader(HfQuantizer):
    """Cuts a model that was built from its configuration down to its plan, before its weights are read.

    Weights in a packed file are looked at first, and unpacked as they are read.
    """

    quantization_config: SecateurConfig  # pyright: ignore[reportIncompatibleVariableOverride]

    def preprocess_model(self, model: Any, *_: Any, checkpoint_files: Sequence[str] | None = None, **__: Any) -> None:
        """Rebuild the pruned shapes; the model is still on the meta device."""
        config = self.quantization_config
        if config.plan is not None or config.packed is None:
            apply_plan(model, config.plan)
        files = [Path(file) for file in checkpoint_files or ()]
        self._unpack = None if config.packed is None else Unpack(open_packed(model, files))

    def get_weight_conversions(self) -> list[Any]:
        """Say how what the packed file holds becomes weights."""
        return [] if self._unpack is None else [self._unpack.converter()]

    def get_new_dtype(self, converter: Any, param: Any, dtype: Any) -> Any:
        """Leave the parts of a packed weight as they are."""
        return None if self._unpack is not None and self._unpack.feeds(converter) else dtype

    def postprocess_model(self, model: Any, **_: Any) -> Any:
        """Align the weights; leave the plan in the configuration, and nothing else: what is loaded is not packed."""
        align(model)
        model.config.quantization_config = self.quantization_config
        self.quantization_config.packed = None
        if self.quantization_config.plan is None:
            del model.config.quantization_config
        if self._unpack is not None:
            model._weight_conversions = [one for one in model._weight_conversions if not self._unpack.feeds(one)]
        model.hf_quantizer = None
        return model

    def is_serializable(self, *_: Any, **__: Any) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Whether the model can be saved: as any other."""
        return True

    @property
    def is_trainable(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Whether the model can be trained: as any other."""
        return True

    @property
    def is_qat_trainable(self) -> bool:
        """Whether the Trainer may train it without adapters: as any other."""
        return True

    @property
    def is_compileable(self) -> bool:
        """Whether the model can be compiled: as any other."""
        return True


@torch.no_grad()
def align(model: nn.Module) -> None:
    """Move weights and buffers on the CPU to where a fresh tensor would lie: at a multiple of 64 bytes.

    Read from a file of odd shapes they lie where they lay there, and matrix products differ in the last bit by that
    (seen with MKL on AMD), so that a loaded model would not be the one that was saved, bit for bit.
    """
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.device.type == "cpu" and tensor.data_ptr() % ALIGNMENT:
            tensor.data = tensor.data.clone()


def describe(model: nn.Module) -> SecateurConfig:
    """Describe the shapes that a model has now."""
    family = family_of(model)
    with whole(model):
        units = shapes(family.groups(model))
    in_factors = {"ranks": found} if (found := ranks(model)) else {}
    return SecateurConfig({"schema": SCHEMA, "family": family.name, "units": units, **in_factors})


def apply_plan(model: nn.Module, plan: Any) -> None:
    """Bring a model of full size to the shapes of a plan.

    Raises:
        ModelError: The plan is of another schema or family, or does not fit the model.
    """
    read: dict[str, Any] = dict(plan) if isinstance(plan, Mapping) else {}
    units: Any = read.get("units")
    if read.get("schema") != SCHEMA or not isinstance(units, Mapping):
        raise ModelError(
            f"the plan in `config.json` must have schema {SCHEMA} and a mapping for `units`, but has schema "
            f"{read.get('schema')!r} and {units!r:.40}; it was written by another version of secateur"
        )
    family = next((family for name, family in FAMILIES.items() if name == read.get("family")), None)
    if family is None:
        raise ModelError(
            f"the plan in `config.json` must be for a known family ({', '.join(FAMILIES)}), but is for "
            f"{read.get('family')!r}; load it with the version of secateur that wrote it"
        )
    groups = family.groups(model)
    wanted = {str(site): count for site, count in units.items()}
    with torch.device("cpu"):  # `from_pretrained` makes the meta device the default, where masks have no values
        shrink(model, groups, masks_for(groups, wanted), set_layers=family.set_layers)
    split_layers(model, read.get("ranks", {}))
