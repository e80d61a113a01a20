"""A teacher beside the student: what it adds to the loss."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from secateur.distill.layerwise import MATCHINGS, distance, distances
from secateur.distill.logits import logit_loss
from secateur.distill.projection import Projection
from secateur.distill.taps import Taps
from secateur.processor import emulates_bfloat16
from secateur.wide import wide

IGNORED = nn.CrossEntropyLoss().ignore_index
"""The label of what is no token."""


@final
@dataclass(frozen=True, kw_only=True)
class Teaching:
    """What is learnt from the teacher, and how strongly."""

    matching: str | None
    """How layers are matched, a name of `MATCHINGS`; ``None``: hidden states are not compared."""

    taps: tuple[int, ...] = ()
    """Layers of the teacher whose hidden states are compared, from 0."""

    layers: float = 1.0
    """Weight of the hidden states' distance."""

    logits: float = 0.0
    """Weight of the outputs' divergence."""

    temperature: float = 2.0
    """Softens both outputs. Source of the default: CoFi."""

    task: float = 1.0
    """Weight of the model's own loss. CoFi drops it; speech keeps it: transcripts know more than any teacher."""

    learning_rate: float = 1e-3
    """Adam's step for the projection."""

    dtype: torch.dtype = torch.float32
    """Precision of the teacher's forward; float32 where the processor only emulates another."""


@final
class Distillation:
    r"""Adds the distance to a teacher to the loss that a model returns in training.

    .. math:: L = c \, L_{task} + a \sum_{i \in taps} MSE\big( P(h^S_{m(i)}), h^T_i \big)
                  + b \, \tau^2 KL( teacher \,\|\, student )

    It is a hook on the student's forward, so any loop that trains on ``model(**batch).loss`` is distilled, and neither
    the loop nor a pruning method knows of it. The teacher runs once per batch, without gradients, in eval mode, on the
    same augmented features. Layers are matched anew in every forward.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        teaching: Teaching,
        *,
        layers: Callable[[nn.Module], Sequence[str]],
        frames: Callable[[Tensor], Tensor],
    ) -> None:
        """`layers` names a model's layers, in order; `frames` counts what subsampling leaves of B input lengths."""
        self._teacher = teacher.eval().requires_grad_(requires_grad=False)
        self._teacher.to(torch.promote_types(next(teacher.parameters()).dtype, torch.float32))
        self._teaching = teaching
        self._frames = frames
        names = list(layers(teacher))
        self._teacher_layers = len(names)
        hidden = teaching.matching is not None
        self._taps = Taps(teacher, [names[tap] for tap in teaching.taps] if hidden else [])
        self._seen = Taps(student, layers(student) if hidden else [])
        self._projection: Projection | None = None
        self._state: Mapping[str, Tensor] = {}
        self._sums: dict[str, float] = {}
        self._count = 0
        self._handle = student.register_forward_hook(self._add, with_kwargs=True)

    def step(self) -> None:
        """Let the projection learn; the student's optimizer has just moved."""
        if self._projection is not None:
            self._projection.step()

    def detach(self) -> None:
        """Take the hooks off the student, and let the teacher go."""
        self._handle.remove()
        self._seen.remove()
        self._taps.remove()
        self._teacher = nn.Module()

    def numbers(self) -> dict[str, float]:
        """Return the parts of the loss, averaged since they were last asked for."""
        means = {f"loss_{name}": total / self._count for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        return means

    def state(self) -> dict[str, Tensor]:
        """Return what a resumed run needs: the projection."""
        return self._projection.state() if self._projection is not None else dict(self._state)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take up a state."""
        self._state = dict(state)

    def _add(self, student: nn.Module, inputs: Any, kwargs: Mapping[str, Any], output: Any) -> Any:
        """Add to the loss of a training forward; other forwards pass."""
        hidden = self._seen.take()
        if not student.training or not torch.is_grad_enabled() or output.loss is None:
            return None
        self._teacher.to(output.logits.device)
        theirs = self._ask({name: value for name, value in kwargs.items() if name != "labels"})
        speech = self._speech(kwargs.get("attention_mask"), output.logits)
        parts = {"task": output.loss}
        if hidden:
            parts["layers"] = self._layer_loss(
                [state[speech] for state in hidden], [state[speech] for state in self._taps.take()]
            )
        if self._teaching.logits:
            theirs, ours = theirs[speech].to(output.logits), output.logits[speech]
            parts["logits"] = logit_loss(ours, theirs, temperature=self._teaching.temperature)
        share = _share(kwargs)
        weights = {
            "task": self._teaching.task,
            "layers": self._teaching.layers * share,
            "logits": self._teaching.logits * share,
        }
        output.loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        self._remember(parts)
        return output

    @torch.no_grad()
    def _ask(self, kwargs: Mapping[str, Any]) -> Tensor:
        """Return the teacher's logits."""
        place = next(self._teacher.parameters()).device.type
        low = self._teaching.dtype != torch.float32 and not (place == "cpu" and emulates_bfloat16())
        with torch.autocast(place, dtype=self._teaching.dtype, enabled=low):
            return self._teacher(**{name: _single(value) for name, value in kwargs.items()}).logits

    def _speech(self, mask: Tensor | None, logits: Tensor) -> Tensor:
        """Return which frames are speech: bool (B, T)."""
        if mask is None:
            return torch.ones(logits.shape[:2], dtype=torch.bool, device=logits.device)
        return torch.arange(logits.shape[1], device=logits.device) < self._frames(mask.sum(-1))[:, None]

    def _layer_loss(self, student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
        """Match and compare hidden states of the frames of speech, (N, D) each."""
        assert self._teaching.matching is not None
        projection = self._project_with(student[0])
        projected = [projection(hidden) for hidden in student]
        teacher = [hidden.to(projected[0]) for hidden in teacher]
        found = distances(teacher, projected)
        pairs = MATCHINGS[self._teaching.matching](found, self._teaching.taps, self._teacher_layers)
        return torch.stack([distance(one, projected[j]) for one, j in zip(teacher, pairs, strict=True)]).sum()

    def _project_with(self, hidden: Tensor) -> Projection:
        """Return the projection; it is made when the width is first seen."""
        if self._projection is None:
            rate = self._teaching.learning_rate
            self._projection = Projection(hidden.shape[-1], learning_rate=rate, device=hidden.device)
            if self._state:
                self._projection.load(self._state)
        return self._projection

    def _remember(self, parts: Mapping[str, Tensor]) -> None:
        self._count += 1
        for name, part in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(part.detach())


def _share(kwargs: Mapping[str, Any]) -> float:
    """Return the part of its step that a batch is, where the model's own loss counts so; else its caller divides.

    With gradient accumulation, ``transformers`` hands language models the number of labels in all batches of the step,
    by which they divide; what is learnt from the teacher is a mean over this batch.
    """
    labels, whole = kwargs.get("labels"), kwargs.get("num_items_in_batch")
    return 1.0 if labels is None or whole is None else float((labels != IGNORED).sum() / whole)


def _single(value: Any) -> Any:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return value
    return wide(value)
