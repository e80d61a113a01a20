"""The `transformers.Trainer` that reads batches of one size."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import PrinterCallback, Trainer, TrainingArguments

from secateur.data.batches import EvenBatches
from secateur.errors import DivergedError
from secateur.training.arguments import BEST_METRIC, as_asked
from secateur.training.last_good import ADVICE

Measure = Callable[[torch.nn.Module], Mapping[str, float]]
"""Model -> its numbers on the validation set."""


@final
class EvenTrainer(Trainer):
    """A Trainer whose batches hold about the same amount of speech or text, and whose evaluation is what we measure.

    Everything else (mixed precision, accumulation, checkpoints) is the library's.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        args: TrainingArguments,
        *,
        dataset: Dataset[Any],
        sizes: npt.NDArray[np.floating[Any]],
        batch_size: float,
        collate: Callable[[Sequence[Any]], Mapping[str, Tensor]],
        measure: Measure | None = None,
        metric: str = "wer",
        **kwargs: Any,
    ) -> None:
        """`sizes` are those of the examples of `dataset`, in the unit of `batch_size`.

        `metric` is the number of `measure` that decides; without `measure` nothing is validated.

        Raises:
            RecipeError: The arguments ask for what is not there: a package, embeddings to add noise to.
        """
        with as_asked():
            super().__init__(
                model=model,
                args=args,
                train_dataset=dataset,
                eval_dataset=dataset if measure else None,  # never read: `evaluate` asks `measure`
                data_collator=collate,  # pyright: ignore[reportArgumentType]
                **kwargs,
            )
            if args.neftune_noise_alpha is not None:
                model.get_input_embeddings()  # pyright: ignore[reportCallIssue]
        # cuDNN plans attention anew for every shape, and no two of our batches have the same: ten times the step.
        torch.backends.cuda.enable_cudnn_sdp(False)
        self.remove_callback(PrinterCallback)  # it prints to standard output, which is for results
        self.model_accepts_loss_kwargs = False  # losses are reduced as the model says
        self._sizes = sizes
        self._batch_size = batch_size
        self._measure = measure
        self._metric = metric

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches by size, reshuffled per epoch from the seed alone."""
        batches = EvenBatches(self._sizes, self._batch_size, seed=self.args.seed)
        loader = DataLoader(
            self.train_dataset,  # pyright: ignore[reportArgumentType]
            batch_sampler=batches,  # pyright: ignore[reportArgumentType]
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
        )
        return self.accelerator.prepare(loader)

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """Build what the arguments ask for.

        Raises:
            RecipeError: It cannot be had for this model.
        """
        with as_asked():
            return super().create_optimizer(model)

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        """Build what the arguments ask for.

        Raises:
            RecipeError: It needs settings that are absent, or takes none that are given.
        """
        with as_asked():
            return super().create_scheduler(num_training_steps, optimizer)

    def _run_epoch(self, *args: Any, **kwargs: Any) -> Any:
        """Train for an epoch; of a run that had ended before it was resumed, the library would take one step more."""
        if self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
            return None
        return super()._run_epoch(*args, **kwargs)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Compute the model's own loss; stop before a step that is not a number.

        Raises:
            DivergedError: The loss is NaN or infinite. No step has been taken with it.
        """
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, num_items_in_batch=num_items_in_batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            step = self.state.global_step + 1
            raise DivergedError(f"the training loss must be a finite number, but is {value} at step {step}; {ADVICE}")
        return (loss, outputs) if return_outputs else loss

    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """Measure the model on the validation set."""
        if self._measure is None:
            return {}
        self.model.eval()  # pyright: ignore[reportOptionalMemberAccess]
        with torch.no_grad():
            numbers = dict(self._measure(self.model))  # pyright: ignore[reportArgumentType]
        named = {f"{metric_key_prefix}_{key}": value for key, value in numbers.items()}
        self.log(dict(named))
        # Until pruning is done, its callback puts infinity there.
        named[f"{metric_key_prefix}_{BEST_METRIC}"] = numbers[self._metric]
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics=named)
        return named
