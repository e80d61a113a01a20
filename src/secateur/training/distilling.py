"""The callback that lets a distillation's projection learn beside the model."""

from typing import Any, final

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from secateur.distill import Distillation
from secateur.training.beside import checkpoint_folder, keep, kept

NAME = "distillation"


@final
class DistillationCallback(TrainerCallback):
    """Steps the projection with the Trainer, and keeps it in every checkpoint; the loss is the forward's business."""

    def __init__(self, distillation: Distillation) -> None:
        self.distillation = distillation

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take up the state of the checkpoint that training resumes from."""
        if state.global_step:
            self.distillation.restore(kept(checkpoint_folder(args, state), NAME)[0])

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Let the projection learn."""
        self.distillation.step()

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Save the projection into the checkpoint that was just written."""
        if state.is_world_process_zero:
            keep(checkpoint_folder(args, state), NAME, self.distillation.state(), {})

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take the hooks off the model."""
        self.distillation.detach()
