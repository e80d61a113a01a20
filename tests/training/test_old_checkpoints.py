import os
from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from secateur.training.old_checkpoints import OldCheckpoints


def saved(folder: Path, *, limit: int | None, best: int | None = None) -> list[str]:
    """Write checkpoints after steps 1 to 4, and return which stay."""
    args = TrainingArguments(output_dir=str(folder), save_total_limit=limit, report_to="none", use_cpu=True)
    callback = OldCheckpoints(args)
    assert args.save_total_limit is None
    state = TrainerState()
    for step in range(1, 5):
        state.global_step = step
        (folder / f"checkpoint-{step}").mkdir(parents=True)
        os.utime(folder / f"checkpoint-{step}", (step, step))
        if step == best:
            state.best_model_checkpoint = str(folder / f"checkpoint-{step}")
        callback.on_save(args, state, TrainerControl())
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("limit", "best", "stay"), [(2, None, [3, 4]), (1, None, [4]), (2, 1, [1, 4]), (None, None, [1, 2, 3, 4])]
)
def test_the_last_ones_and_the_best_stay(tmp_path: Path, limit: int | None, best: int | None, stay: list[int]) -> None:
    assert saved(tmp_path / "out", limit=limit, best=best) == [f"checkpoint-{step}" for step in stay]
