"""What models are for: what they are trained on and judged by."""

from typing import Any

from secateur.recipes import Recipe, TextArchitecture
from secateur.tasks.models import asked_as, load_model, model_folder, reads_text
from secateur.tasks.speech import SpeechTask
from secateur.tasks.task import Judged, Task, Training
from secateur.tasks.text import TextTask

SPEECH = SpeechTask()
TEXT = TextTask()

__all__ = [
    "SPEECH",
    "TEXT",
    "Judged",
    "Task",
    "Training",
    "asked_as",
    "load_model",
    "model_folder",
    "task_for",
    "task_of",
]


def task_for(recipe: Recipe) -> Task[Any, Any]:
    """Return what the model of a recipe is for.

    Raises:
        ModelError: It cannot be found or opened.
    """
    if recipe.model is not None:
        return task_of(recipe.model)
    return TEXT if isinstance(recipe.architecture, TextArchitecture) else SPEECH


def task_of(name: str) -> Task[Any, Any]:
    """Return what a model is for, by folder or Hub id.

    Raises:
        ModelError: It cannot be found or opened.
    """
    return TEXT if reads_text(name) else SPEECH
