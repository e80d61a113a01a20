"""Recognizers from nothing, or from another's encoder."""

from typing import Any

from torch import nn

from secateur.errors import ModelError
from secateur.recipes import Architecture
from secateur.tasks.models import load_model
from secateur.training import character_processor, give_loss, parakeet_ctc, parakeet_transducer

ENCODER = "encoder"


def start_recognizer(architecture: Architecture) -> tuple[Any, Any]:
    """Return a new model and its processor.

    Raises:
        ModelError: The encoder to start from has another shape.
    """
    processor = character_processor(mel_bins=architecture.mel_bins)
    shape = architecture.model_dump(exclude={"family", "tokenizer", "transducer", ENCODER})
    shape["vocab_size"] = len(processor.tokenizer)
    head = architecture.transducer
    if head is None:
        model: Any = parakeet_ctc(**shape)
    else:
        model = parakeet_transducer(
            **shape, prediction_size=head.hidden_size, prediction_layers=head.layers, durations=head.durations
        )
    give_loss(model)
    if architecture.encoder is not None:
        _take_encoder(model, architecture.encoder)
    return model, processor


def _take_encoder(model: Any, name: str) -> None:
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
