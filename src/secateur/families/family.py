"""What a model family tells the rest of the house."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor, nn

from secateur.group import Group

MEL_FRAMES_PER_SECOND = 100
"""Log-mel frames per second of audio: a hop of 10 ms in every extractor we know."""

SAMPLES_PER_SECOND = 16_000
"""Samples per second of every model that hears samples."""


@final
@dataclass(frozen=True, kw_only=True)
class Hearing:
    """How the recognizers of a family take speech in."""

    ctc: type[nn.Module]
    """The class of its CTC models."""

    transducer: type[nn.Module] | None = None
    """The class of its transducers, where there are any."""

    mel_frames: int
    """Log-mel frames that lie side by side in one row of the input (T, M); 0 where it is samples, shape (T,)."""

    normalized: bool
    """Whether an utterance's input has mean 0 in every bin, so that 0 blanks it."""

    masks_padding: Callable[[Any], bool]
    """(model) -> whether an utterance's output is the same alone and padded in a batch."""

    frames: Callable[[Any, Tensor], Tensor]
    """(model, T per utterance) -> frames that the model writes."""

    @property
    def per_second(self) -> int:
        """Rows of input per second of audio."""
        return MEL_FRAMES_PER_SECOND // self.mel_frames if self.mel_frames else SAMPLES_PER_SECOND


@final
@dataclass(frozen=True, kw_only=True)
class Family:
    """What may be removed from the models of one family, and how its recognizers are fed.

    A family never decides what leaves; it only says what is tied to what.
    """

    name: str
    summary: str

    matches: Callable[[nn.Module], bool]
    """Whether a model belongs to the family."""

    groups: Callable[[nn.Module], list[Group]]
    """Every structured group of a model, shapes read from its modules, so a pruned model can be pruned again."""

    set_layers: Callable[[Any, int], None]
    """Write the number of remaining blocks into a model's configuration."""

    widths: Callable[[Any], dict[str, Any] | None]
    """Configuration values that describe a pruned model whole, or ``None`` where its shapes are not uniform."""

    hearing: Hearing | None = None
    """How its recognizers take speech in; ``None`` where its models read text."""

    spare: tuple[str, ...] = ()
    """Names of tensors that a checkpoint may lack, since they blank frames in training and nothing else."""
