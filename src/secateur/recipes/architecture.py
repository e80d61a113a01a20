"""The models that are made from nothing: recognizers and language models."""

from typing import Annotated, Literal, cast, final, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from secateur.recipes.parts import Count, Dropout, Part
from secateur.recipes.paths import expand_if_given
from secateur.recipes.sentences import listed, nearest, shown


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError(f"must be odd, so that the kernel has a middle, but is {value}; did you mean {value + 1}?")
    return value


@final
class Transducer(Part):
    """A prediction network and a joint network behind an encoder, instead of a CTC head."""

    hidden_size: Count = 256
    """Width of the LSTM, of its projection and of the joint network."""

    layers: Count = 1
    """LSTM layers."""

    durations: Annotated[tuple[Annotated[int, Field(ge=0, le=100)], ...], Field(strict=False)] | None = None
    """Frames that a token may last, for a token-and-duration transducer (TDT); null: an RNN transducer."""


@final
class Architecture(Part):
    """A model to train from scratch: a FastConformer with a CTC head, or a transducer's, over characters.

    The defaults are a model of 4.2 million parameters; `train-an4-digits` trains it in under two hours on a core.
    """

    family: Literal["parakeet"] = "parakeet"
    """The model family of `transformers`."""

    hidden_size: Count = 144
    """D, the width of the residual stream; a multiple of `heads`."""

    layers: Count = 8
    """L, the number of Conformer blocks."""

    heads: Count = 4
    """H, attention heads per block."""

    intermediate_size: Count = 576
    """F, hidden units of each feed-forward module."""

    conv_kernel_size: Annotated[Count, AfterValidator(_odd)] = 9
    """Frames that the depthwise convolution sees; odd."""

    subsampling_factor: Literal[2, 4, 8] = 4
    """Feature frames (10 ms) per encoder frame."""

    subsampling_channels: Count = 64
    """Channels of the subsampling convolutions."""

    mel_bins: Count = 80
    """Mel bins of the log-mel features."""

    dropout: Dropout = 0.1
    """Share of activations dropped in training."""

    tokenizer: Literal["characters"] = "characters"
    """What the model writes: the characters of the training transcripts."""

    transducer: Transducer | None = None
    """Make it a transducer; null: CTC."""

    encoder: Annotated[str | None, BeforeValidator(expand_if_given)] = None
    """A folder or Hub id of a recognizer whose encoder is taken to start from; null: nothing is."""


@final
class TextArchitecture(Part):
    """A language model to train from scratch, over byte pairs of the training text.

    The defaults are a model of 5.8 million parameters.
    """

    family: Literal["gpt2", "opt", "llama"] = "gpt2"
    """The model family of `transformers`."""

    hidden_size: Count = 256
    """D, the width of the residual stream; a multiple of `heads`."""

    layers: Count = 6
    """L, the number of blocks."""

    heads: Count = 4
    """H, attention heads per block."""

    key_value_heads: Count | None = None
    """Heads of keys and values, which divide `heads` among them; only for llama. Null: as many as `heads`."""

    intermediate_size: Count = 1024
    """F, hidden units of each feed-forward module."""

    max_tokens: Count = 256
    """Most tokens of a sentence, its beginning and end among them."""

    vocabulary: Annotated[int, Field(ge=259)] = 4000
    """V, byte pairs and single bytes, and three tokens for begin, end and padding."""

    dropout: Dropout = 0.1
    """Share of activations dropped in training; for llama, of the attention's alone."""


SPEECH_FAMILIES, TEXT_FAMILIES = (
    cast("tuple[str, ...]", get_args(part.model_fields["family"].annotation))
    for part in (Architecture, TextArchitecture)
)
FAMILIES = SPEECH_FAMILIES + TEXT_FAMILIES
"""What can be made from nothing."""


def architecture_kind(value: object) -> str:
    """Tell by the family whether an architecture is of a recognizer or of a language model.

    >>> architecture_kind({"family": "opt"}), architecture_kind({"layers": 2}), architecture_kind(TextArchitecture())
    ('text model', 'speech model', 'text model')
    """
    if isinstance(value, Part):
        return TEXT_MODEL if isinstance(value, TextArchitecture) else SPEECH_MODEL
    family = cast("dict[str, object]", value).get("family") if isinstance(value, dict) else None
    return TEXT_MODEL if family in TEXT_FAMILIES else SPEECH_MODEL


def known_family(value: object) -> object:
    """Make sure that an architecture names a family that can be made, or none.

    Raises:
        ValueError: It names another.
    """
    family = cast("dict[str, object]", value).get("family", FAMILIES[0]) if isinstance(value, dict) else FAMILIES[0]
    if family not in FAMILIES:
        best = nearest(family, FAMILIES)
        advice = f"; did you mean {best}?" if best else ""
        raise ValueError(f"has the family {shown(family)}, but must have {listed(FAMILIES)}{advice}")
    return value


SPEECH_MODEL, TEXT_MODEL = "speech model", "text model"
"""The two kinds of architectures; their blanks keep them from being taken for names of fields."""

AnyArchitecture = Annotated[
    Annotated[Architecture, Tag(SPEECH_MODEL)] | Annotated[TextArchitecture, Tag(TEXT_MODEL)],
    Discriminator(architecture_kind),
    BeforeValidator(known_family),
]
"""Of a recognizer, or of a language model."""
