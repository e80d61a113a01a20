"""Recognizers from nothing, or from another's encoder."""

from typing import Any

from torch import nn

from secateur.errors import ModelError
from secateur.recipes import Architecture
from secateur.tasks.models import asked_as, load_model, load_processor
from secateur.training import character_processor, give_loss, parakeet_ctc, parakeet_transducer

ENCODER = "encoder"


def start_recognizer(architecture: Architecture, *, teacher: str | None = None) -> tuple[Any, Any]:
    """Return a new model and its processor: that of the `teacher` of a CTC model, so that both write alike.

    Raises:
        ModelError: The encoder to start from has another shape, or the teacher cannot be loaded.
    """
    model, processor = _transducer(architecture) if architecture.transducer else _ctc(architecture, teacher)
    if architecture.encoder is not None:
        _take_encoder(model, architecture.encoder)
    return model, processor


def _ctc(architecture: Architecture, teacher: str | None) -> tuple[Any, Any]:
    if teacher is None:
        processor = character_processor(mel_bins=architecture.mel_bins)
        return parakeet_ctc(vocab_size=len(processor.tokenizer), **_shape(architecture)), processor
    with asked_as("distill.teacher"):
        config, processor = load_model(teacher).config, load_processor(teacher)
    shape = {"vocab_size": config.vocab_size, "blank": config.pad_token_id, **_shape(architecture)}
    return parakeet_ctc(**shape), processor


def _transducer(architecture: Architecture) -> tuple[Any, Any]:
    head, processor = architecture.transducer, character_processor(mel_bins=architecture.mel_bins)
    assert head is not None
    model = parakeet_transducer(
        vocab_size=len(processor.tokenizer),
        prediction_size=head.hidden_size,
        prediction_layers=head.layers,
        durations=head.durations,
        **_shape(architecture),
    )
    give_loss(model)
    return model, processor


def _shape(architecture: Architecture) -> dict[str, Any]:
    """Return what is said of the encoder."""
    return architecture.model_dump(exclude={"family", "tokenizer", "transducer", ENCODER})


def _take_encoder(model: Any, name: str) -> None:
    with asked_as("architecture.encoder"):
        theirs: Any = getattr(load_model(name), ENCODER, None)
    if not isinstance(theirs, type(model.encoder)):
        raise ModelError(
            f"`architecture.encoder` must be a recognizer with a {type(model.encoder).__name__}, but `{name}` has none"
        )
    ours, found = (_shapes(one) for one in (model.encoder, theirs))
    odd = sorted(set(ours.items()) ^ set(found.items()))
    if odd:
        tensor = odd[0][0]
        raise ModelError(
            f"`architecture.encoder` must have the shape that `architecture` describes, but `{name}` has {len(odd)} "
            f"other tensors (`{tensor}` is {found.get(tensor)} there and {ours.get(tensor)} here); describe its shape"
        )
    model.encoder.load_state_dict(theirs.state_dict())


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
