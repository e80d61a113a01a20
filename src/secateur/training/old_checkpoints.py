"""Which checkpoints stay, once what rides on training has written its part of the newest."""

from typing import Any, final

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import rotate_checkpoints


@final
class OldCheckpoints(TrainerCallback):
    """Deletes all but the last `save_total_limit` checkpoints and the best, in place of the library's Trainer.

    That deletes them before its callbacks have written what a run cannot be resumed without: killed in between, it
    would leave no checkpoint that is whole. To be the last callback.
    """

    def __init__(self, args: TrainingArguments) -> None:
        """Take the limit out of `args`, the Trainer's own."""
        self._limit, args.save_total_limit = args.save_total_limit, None

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Delete them."""
        if args.should_save:
            rotate_checkpoints(
                output_dir=str(args.output_dir),
                save_total_limit=self._limit,
                best_model_checkpoint=state.best_model_checkpoint,
                use_mtime=True,
            )
