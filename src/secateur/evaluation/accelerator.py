"""Where a model works fastest."""

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import nn

WITHOUT_DOUBLES = "mps"
"""The kind of accelerator that has no double precision, which sums over sets of utterances need."""

ON_PROCESSOR = "on_processor"
"""What modules have, and true, that run nowhere else."""


def accelerator(home: torch.device) -> torch.device:
    """Return the accelerator of this process, or `home` where there is none that counts in double precision."""
    found = torch.accelerator.current_accelerator(check_available=True)
    return home if found is None or found.type == WITHOUT_DOUBLES else found


@contextmanager
def on_accelerator(model: nn.Module) -> Generator[None]:
    """Let a model work on the accelerator in here, where there is one; afterwards it is back where it was.

    One on sparse kernels stays on the processor, whose they are. Times are not measured in here: those of a
    report are of the processor.
    """
    home = next(model.parameters()).device
    if any(getattr(module, ON_PROCESSOR, False) for module in model.modules()):
        yield
        return
    torch.backends.cuda.enable_cudnn_sdp(False)  # as in training: cuDNN plans attention anew for every shape
    model.to(accelerator(home))
    try:
        yield
    finally:
        model.to(home)
