"""A few batches: gradients or inputs for data-driven scores without training, statistics for batch norms."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from secateur.data import EvenBatches
from secateur.errors import WorkError
from secateur.recipes import Recipe
from secateur.tasks import Training
from secateur.training import single_precision


def calibrate(
    model: Any, training: Training, recipe: Recipe, *, observe: Callable[[], None], gradients: bool = True
) -> None:
    """Call `observe` after each of ``recipe.calibration_batches`` batches, its gradients in place unless unwanted.

    Without `gradients` batches only go forward, and nothing is kept of them. The model is not changed, and in eval mode
    meanwhile: no dropout, fixed batch norms, so that the scores are of the model that is pruned.

    Raises:
        WorkError: The loss on one of them is not a number.
    """
    was_training = model.training
    model.eval()
    with single_precision(model), _gradients_of_recurrent_layers(model) if gradients else _frozen(model):
        for batch in some_batches(model, training, recipe, count=recipe.calibration_batches):
            model.zero_grad()
            loss = _loss(model, batch)
            if gradients:
                loss.backward()
            observe()
        model.zero_grad()
    model.train(was_training)


def _gradients_of_recurrent_layers(model: nn.Module) -> AbstractContextManager[None]:
    """Within it recurrent layers have gradients in eval mode, too, which cuDNN gives in training mode alone."""
    recurrent = any(isinstance(module, nn.RNNBase) for module in model.modules())
    return torch.backends.cudnn.flags(enabled=False) if recurrent else nullcontext()


@contextmanager
def _frozen(model: nn.Module) -> Generator[None]:
    """Within it nothing is kept for a backward, though gradients are enabled, as whoever listens to inputs expects."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in trained:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


@torch.enable_grad()
def _loss(model: Any, batch: Mapping[str, Any]) -> Tensor:
    loss = model(**batch).loss
    if not loss.isfinite():
        raise WorkError(
            f"the loss of a calibration batch must be a finite number, but is {float(loss.detach())}; is the model "
            f"whole?"
        )
    return loss


def some_batches(model: Any, training: Training, recipe: Recipe, *, count: int) -> Iterator[Mapping[str, Any]]:
    """Give the first `count` batches of `training`, on the model's device; the same every time."""
    loader = DataLoader(
        training.dataset,
        batch_sampler=EvenBatches(  # pyright: ignore[reportArgumentType]
            training.sizes, training.batch_size, seed=recipe.seed
        ),
        collate_fn=training.collate,
    )
    for batch in islice(loader, count):
        yield {name: tensor.to(model.device) for name, tensor in batch.items()}
