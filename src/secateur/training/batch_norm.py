"""Batch norms after the structure has changed."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]


@torch.no_grad()
def reestimate(model: nn.Module, batches: Iterable[Mapping[str, Any]]) -> None:
    """Set every batch norm's running mean and variance to their averages over `batches`.

    The averages that training kept are of the model before its last cut. Everything but the norms is in eval mode
    meanwhile: no dropout. A model without batch norms, or no batches, leaves everything as it is.

    Source: the "precise" statistics of Wu & Johnson 2021 (arXiv 2105.07576), section 3.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]
    batches = list(batches)
    if not norms or not batches:
        return
    modes = {module: module.training for module in model.modules()}
    momenta = [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over batches
        norm.train()
    for batch in batches:
        model(**batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode
