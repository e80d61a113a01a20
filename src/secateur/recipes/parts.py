"""The parts of a recipe that say on what is trained, and how it is measured."""

from typing import Annotated, Any, Literal, final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from secateur.recipes.names import MOST_TEXTS, NBEST
from secateur.recipes.paths import NamedPaths, Paths, expand_if_given, manifests, named_manifests
from secateur.recipes.sentences import shown

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(gt=0)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class Part(BaseModel):
    """Base of everything in a recipe: no unknown keys, no conversions, no changes afterwards."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is absent by default: the written recipe has no line that says nothing."""
        fields = type(self).model_fields
        return {k: v for k, v in handler(self).items() if v is not None or fields[k].default is not None}


@final
class Data(Part):
    """Manifests of speech, JSON lines with `audio_filepath`, `duration` and `text`; for a language model, plain text.

    Paths are relative to the current directory; ``${SECATEUR_DATA}`` is already expanded here.
    """

    train: Annotated[Paths | None, BeforeValidator(manifests)] = None
    """What is trained on and what data-driven criteria look at: a manifest, or several as one."""

    valid: Annotated[NamedPaths | None, BeforeValidator(named_manifests)] = None
    """What is measured while training: a manifest, several as one, or named sets measured apart."""

    test: Annotated[NamedPaths | None, BeforeValidator(named_manifests)] = None
    """What is measured at the end, in the same forms."""

    def sets(self, part: Literal["train", "valid", "test"]) -> dict[str, tuple[str, ...]]:
        """Return the sets of `part`, name -> manifests; a set without a name is called as the part.

        >>> Data(train="a.jsonl", valid={"an4": "b.jsonl", "digits": ["c.jsonl", "d.jsonl"]}).sets("valid")
        {'an4': ('b.jsonl',), 'digits': ('c.jsonl', 'd.jsonl')}
        >>> Data(train="a.jsonl").sets("train"), Data().sets("test")
        ({'train': ('a.jsonl',)}, {})
        """
        given: NamedPaths | None = getattr(self, part)
        if given is None:
            return {}
        named = given if isinstance(given, dict) else {part: given}
        return {name: (paths,) if isinstance(paths, str) else paths for name, paths in named.items()}


@final
class SpecAugment(Part):
    """Blanked bands of mel bins and of frames (arXiv 1904.08779, without time warping)."""

    frequency_masks: Annotated[int, Field(ge=0)] = 2
    """Bands of mel bins per utterance."""

    frequency_width: Annotated[int, Field(ge=0)] = 10
    """Widest such band, in bins."""

    time_masks: Annotated[int, Field(ge=0)] = 2
    """Bands of frames per utterance."""

    time_share: Annotated[float, Field(ge=0, le=1)] = 0.04
    """Widest such band, as a share of the utterance."""


@final
class Augment(Part):
    """What is done to the training speech; null switches either off."""

    speed: Annotated[tuple[Annotated[float, Field(gt=0)], ...] | None, Field(strict=False, min_length=1)] = (
        0.9,
        1.0,
        1.1,
    )
    """Playing speeds, one drawn per utterance and epoch."""

    specaugment: SpecAugment | None = SpecAugment()
    """Blanked bands, drawn per utterance and epoch."""


@final
class Bench(Part):
    """How latency is measured."""

    seconds: Annotated[tuple[Seconds, ...], Field(strict=False, min_length=1)] = (4.0, 15.0)
    """Lengths of the utterances, in seconds of audio."""

    tokens: Annotated[tuple[Count, ...], Field(strict=False, min_length=1)] = (32, 128)
    """Lengths of the texts, for models that read text: about a hypothesis and a paragraph; cut to what it reads."""

    threads: Count = 1
    """CPU threads that the model may use."""

    repeats: Count = 20
    """Timed runs per length, after the warm-up."""

    def lengths(self, unit: Literal["audio_second", "token"]) -> tuple[float, ...]:
        """Return the lengths in the unit that a model's input is counted in.

        >>> Bench().lengths("token"), Bench().lengths("audio_second")
        ((32, 128), (4.0, 15.0))
        """
        return self.tokens if unit == "token" else self.seconds


@final
class Distill(Part):
    """What is learnt from a teacher in training; a part that is absent is not."""

    teacher: Annotated[str | None, BeforeValidator(expand_if_given)] = None
    """A folder or Hub id; absent: the dense model."""

    layers: Literal["matched", "fixed"] | None = None
    """Compare hidden states: with the layer of the student that is closest, in order, or that is at the same depth."""

    taps: Count | Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False, min_length=1)] = 4
    """Layers of the teacher that are compared: how many, evenly spread, or which, counted from 0."""

    layers_weight: Weight = 1.0
    """Weight of the hidden states' distance."""

    logits: Weight | None = None
    """Weight of the divergence of the outputs."""

    temperature: Annotated[float, Field(gt=0)] = 2.0
    """Softens the outputs of both before they are compared."""

    task: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the model's own loss."""

    learning_rate: Rate = 1e-3
    """Adam's step for the projection between the hidden states."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    """Precision of the teacher's forward."""


@final
class Rescore(Part):
    """A recognizer whose N-best lists a language model rescores, before and after it is pruned."""

    recognizer: Annotated[str, BeforeValidator(expand_if_given)]
    """A folder or Hub id of a CTC model."""

    data: Annotated[Paths, BeforeValidator(manifests)]
    """Speech to measure word error rates on: a manifest, or several as one."""

    tune_on: Annotated[Paths, BeforeValidator(manifests)]
    """Other speech, on which it is found how much each language model counts."""

    nbest: Annotated[Count, Field(le=MOST_TEXTS)] = NBEST
    """Texts per utterance."""


@final
class Named(BaseModel):
    """A part by its name, with its options; in YAML just the name where there are none."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: str
    """A name of the axis, or a dotted path to code from outside."""

    @property
    def options(self) -> dict[str, Any]:
        """What the YAML gives beside `name`.

        >>> Named.model_validate({"name": "taylor", "power": 2}).options
        {'power': 2}
        """
        return dict(self.model_extra or {})

    @model_serializer(mode="plain")
    def _short(self) -> str | dict[str, Any]:
        return {"name": self.name, **self.options} if self.options else self.name


def spread(value: object) -> object:
    """Turn the short form, a name, into the long one, a mapping with `name`.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict | BaseModel):
        return value
    raise ValueError(f"must be a name, or a mapping with `name` and options, but is {shown(value)}")
