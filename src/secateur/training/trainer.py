"""The `transformers.Trainer` that reads batches of speech."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments

from secateur.data.batches import DurationBatches, SpeechDataset, collate
from secateur.errors import DivergedError
from secateur.training.arguments import BEST_METRIC
from secateur.training.last_good import ADVICE

Measure = Callable[[torch.nn.Module], Mapping[str, float]]
"""Model -> its numbers on the validation set, "wer" among them."""


@final
class SpeechTrainer(Trainer):
    """A Trainer whose batches hold about the same seconds of speech, and whose evaluation is a word error rate.

    Everything else (mixed precision, accumulation, checkpoints, several processes) is the library's.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        args: TrainingArguments,
        *,
        dataset: SpeechDataset,
        durations: npt.NDArray[np.floating[Any]],
        batch_seconds: float,
        measure: Measure | None = None,
        **kwargs: Any,
    ) -> None:
        """`durations` are the seconds of each utterance of `dataset`; without `measure` nothing is validated."""
        input_name = str(getattr(model, "main_input_name", "input_features"))
        super().__init__(
            model=model,
            args=args,
            train_dataset=dataset,
            eval_dataset=dataset if measure else None,  # never read: `evaluate` measures words, not losses
            data_collator=partial(collate, input_name=input_name),  # pyright: ignore[reportArgumentType]
            **kwargs,
        )
        self.remove_callback(PrinterCallback)  # it prints to standard output, which is for results
        self.model_accepts_loss_kwargs = False  # CTC losses are reduced as the model's configuration says
        self._durations = durations
        self._batch_seconds = batch_seconds
        self._measure = measure

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches by duration, reshuffled per epoch from the seed alone."""
        batches = DurationBatches(self._durations, self._batch_seconds, seed=self.args.seed)
        loader = DataLoader(
            self.train_dataset,  # pyright: ignore[reportArgumentType]
            batch_sampler=batches,  # pyright: ignore[reportArgumentType]
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
        )
        return self.accelerator.prepare(loader)

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
        with torch.inference_mode():
            numbers = dict(self._measure(self.model))  # pyright: ignore[reportArgumentType]
        named = {f"{metric_key_prefix}_{key}": value for key, value in numbers.items()}
        self.log(dict(named))
        named[f"{metric_key_prefix}_{BEST_METRIC}"] = numbers["wer"]  # until pruning is done, its callback objects
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics=named)
        return named
