"""From a recipe's `distill` to a teacher beside the student."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from secateur.distill import Distillation, Taps, Teaching, spread
from secateur.errors import ModelError, RecipeError
from secateur.evaluation import dummy_inputs, input_unit
from secateur.families import family_of, is_transducer
from secateur.recipes import Distill, Recipe
from secateur.surgery import whole
from secateur.tasks import TEXT, asked_as, task_for
from secateur.training import single_precision

GLANCE = 2.0
"""Seconds of audio, or tokens, that teacher and student are compared on before anything is trained."""


def teach(recipe: Recipe, student: Any, processor: Any) -> Distillation | None:
    """Put a teacher beside `student`, where the recipe asks for one.

    Raises:
        RecipeError: A layer is asked for that the teacher does not have.
        ModelError: The teacher cannot be loaded, or does not go with the student.
    """
    distill = recipe.distill
    if distill is None:
        return None
    name, task = distill.teacher or recipe.model, task_for(recipe)
    assert name is not None
    with asked_as("distill.teacher"):
        if distill.teacher is not None and (distill.logits is not None or task is TEXT):
            _check_vocabulary(name, task.load_processor(name), processor)
        teacher = task.load(name)
    return teach_from(teacher, student, distill, name=name)


def teach_from(teacher: Any, student: Any, distill: Distill, *, name: str) -> Distillation:
    """Put `teacher` beside `student`.

    Raises:
        RecipeError, ModelError: As `teach`.
    """
    _check_outputs(student, distill)
    with single_precision(teacher), single_precision(student):
        _check_shapes(teacher, student, distill, name=name)
    teaching = Teaching(
        matching=distill.layers,
        taps=_taps(distill, len(layer_names(teacher)), name=name) if distill.layers else (),
        layers=distill.layers_weight,
        logits=distill.logits or 0.0,
        temperature=distill.temperature,
        task=distill.task,
        learning_rate=distill.learning_rate,
        dtype=getattr(torch, distill.dtype),
    )
    return Distillation(student, teacher, teaching, layers=layer_names, frames=_frames(student))


def _frames(student: Any) -> Callable[[Tensor], Tensor]:
    """Return what counts the student's outputs for so many of its inputs: a text has as many as tokens."""
    hearing = family_of(student).hearing
    return (lambda lengths: lengths) if hearing is None else partial(hearing.frames, student)


def layer_names(model: nn.Module) -> list[str]:
    """Name the blocks of a model's encoder, in order."""
    with whole(model):
        return [group.module for group in family_of(model).groups(model) if group.granularity == "layer"]


def _check_outputs(student: Any, distill: Distill) -> None:
    """A transducer has outputs for every frame and every beginning of a transcript: none that frames could share."""
    if distill.logits is not None and is_transducer(student):
        raise RecipeError(
            [
                f"`distill.logits` must be absent for a transducer, but is {distill.logits}: a "
                f"{type(student).__name__} has outputs per frame and label; use `distill.layers`"
            ]
        )


def _taps(distill: Distill, layers: int, *, name: str) -> tuple[int, ...]:
    wanted = distill.taps
    if isinstance(wanted, int):
        if wanted > layers:
            raise RecipeError(
                [
                    f"`distill.taps` must be at most the teacher's layers, but is {wanted} where `{name}` has "
                    f"{layers}; did you mean {layers}?"
                ]
            )
        return spread(layers, wanted)
    beyond = [tap for tap in wanted if tap >= layers]
    if beyond:
        raise RecipeError(
            [
                f"`distill.taps` must be layers of the teacher, 0 to {layers - 1} of `{name}`, but names {beyond[0]}; "
                f"layers are counted from 0"
            ]
        )
    return wanted


def _check_vocabulary(name: str, *processors: Any) -> None:
    theirs, ours = (getattr(one, "tokenizer", one).get_vocab() for one in processors)
    if theirs != ours:
        odd = sorted(set(theirs.items()) ^ set(ours.items()))[0][0]
        raise ModelError(
            f"`distill.teacher` must know the same tokens as the student, but `{name}` differs ({odd!r} is not the "
            f"same in both); take a teacher of the same tokenizer"
        )


def _check_shapes(teacher: Any, student: Any, distill: Distill, *, name: str) -> None:
    """Let both take the same input, and compare what comes out."""
    known = [model.get_input_embeddings().num_embeddings for model in (teacher, student) if _reads(model)]
    if len(set(known)) > 1:
        raise ModelError(
            f"`distill.teacher` must read the student's tokens, but `{name}` has {known[0]} where the student has "
            f"{known[1]}; take a teacher of the same tokenizer"
        )
    inputs = [dummy_inputs(model, length=GLANCE) for model in (teacher, student)]
    shapes = [{key: tuple(tensor.shape) for key, tensor in batch.items()} for batch in inputs]
    if shapes[0] != shapes[1]:
        raise ModelError(
            f"`distill.teacher` must take the features that the student takes, but `{name}` takes {shapes[0]} where "
            f"the student takes {shapes[1]} for {GLANCE:g} s; take a teacher with the same feature extractor"
        )
    (their_logits, their_hidden), (our_logits, our_hidden) = (_hear(model, inputs[0]) for model in (teacher, student))
    if their_logits.shape[1] != our_logits.shape[1]:
        raise ModelError(
            f"`distill.teacher` must have the student's frame rate, but `{name}` makes {their_logits.shape[1]} frames "
            f"of {GLANCE:g} s where the student makes {our_logits.shape[1]}; take one of the same subsampling"
        )
    if distill.logits is not None and their_logits.shape[2] != our_logits.shape[2]:
        raise ModelError(
            f"`distill.teacher` must write the same tokens as the student, but `{name}` has {their_logits.shape[2]} "
            f"outputs where the student has {our_logits.shape[2]}; leave `distill.logits` out, or take another"
        )
    if distill.layers is not None and our_hidden[-1].shape[1] != our_logits.shape[1]:
        raise ModelError(
            f"`distill.layers` must compare hidden states at the frame rate of the outputs, but the student's blocks "
            f"make {our_hidden[-1].shape[1]} frames where its outputs have {our_logits.shape[1]}: an adapter lies in "
            f"between; leave it out and use `distill.logits`"
        )
    if distill.layers is not None and their_hidden[-1].shape[-1] != our_hidden[-1].shape[-1]:
        raise ModelError(
            f"`distill.layers` must compare hidden states of one width, but `{name}` has {their_hidden[-1].shape[-1]} "
            f"where the student has {our_hidden[-1].shape[-1]}; leave it out and use `distill.logits`"
        )


def _reads(model: Any) -> bool:
    return input_unit(model) == "token"


@torch.no_grad()
def _hear(model: Any, inputs: dict[str, Any]) -> tuple[Tensor, Sequence[Tensor]]:
    taps, was_training = Taps(model, layer_names(model)), model.training
    try:
        logits = model.eval()(**{name: tensor.to(model.device) for name, tensor in inputs.items()}).logits
        return logits, taps.take()
    finally:
        taps.remove()
        model.train(was_training)
