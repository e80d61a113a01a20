"""Models of two layers with the hard cases: an odd head count, absent biases, GLU, depthwise filters, shared tensors.

What a fresh model has by default hides bugs (norms of weight 1 and bias 0, running means of 0, biases of 0), so
`randomise` redraws everything and goes to float64.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    ParakeetCTCConfig,
    ParakeetEncoderConfig,
    ParakeetForCTC,
    ParakeetForRNNT,
    ParakeetForTDT,
    ParakeetRNNTConfig,
    ParakeetTDTConfig,
)

from secateur.families.parakeet import LAST
from secateur.group import Group

WIDTH, HEADS, UNITS, KERNEL, MELS, VOCAB, SUBSAMPLED = 12, 3, 10, 5, 16, 7, 4
"""D, H, F, the depthwise kernel, mel bins, V, and the channels of the subsampling."""

HEAD_WIDTH = WIDTH // HEADS
FRAMES = (48, 30)
"""Lengths of the two utterances of a batch: the second one is padded."""

STRUCTURED = ("ffn_unit", "head", "conv_channel", "module", "layer")


def encoder_config(*, layers: int = 2, attention_bias: bool = True, convolution_bias: bool = True) -> Any:
    return ParakeetEncoderConfig(
        hidden_size=WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=HEADS,
        intermediate_size=UNITS,
        attention_bias=attention_bias,
        convolution_bias=convolution_bias,
        conv_kernel_size=KERNEL,
        subsampling_factor=4,
        subsampling_conv_channels=SUBSAMPLED,
        num_mel_bins=MELS,
        dropout=0.0,
        layerdrop=0.0,
        activation_dropout=0.0,
        attention_dropout=0.0,
    )


def ctc(**encoder: Any) -> ParakeetForCTC:
    return ParakeetForCTC(
        ParakeetCTCConfig(encoder_config=encoder_config(**encoder), vocab_size=VOCAB, pad_token_id=0)
    ).eval()


def ctc_without_biases(**encoder: Any) -> ParakeetForCTC:
    return ctc(attention_bias=False, convolution_bias=False, **encoder)


def rnnt(**encoder: Any) -> ParakeetForRNNT:
    return ParakeetForRNNT(ParakeetRNNTConfig(**_transducer(encoder))).eval()


def tdt(**encoder: Any) -> ParakeetForTDT:
    return ParakeetForTDT(ParakeetTDTConfig(**_transducer(encoder), durations=[0, 1, 2])).eval()


def _transducer(encoder: dict[str, Any]) -> dict[str, Any]:
    return {
        "encoder_config": encoder_config(**encoder),
        "vocab_size": VOCAB,
        "pad_token_id": 1,
        "blank_token_id": 0,
        "decoder_hidden_size": 6,
        "num_decoder_layers": 1,
    }


RECOGNIZERS: dict[str, Callable[..., Any]] = {
    "ctc": ctc,
    "ctc_without_biases": ctc_without_biases,
    "rnnt": rnnt,
    "tdt": tdt,
}


class Plain(nn.Module):
    """No family: each prunable layer, a module under two names, a tensor in two modules, tied embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.image = nn.Conv2d(1, 2, 3, padding=1)
        self.sound = nn.Conv1d(8, 4, 3, padding=1)
        self.norm = nn.LayerNorm(4)
        self.shared = nn.Linear(4, 4)
        self.again = self.shared
        self.twin = nn.Linear(4, 4)
        self.twin.weight = self.shared.weight
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.embedding(tokens)
        picture = self.image(hidden.unsqueeze(1)).transpose(2, 3).flatten(1, 2)
        hidden = self.norm(hidden + self.sound(picture).transpose(1, 2))
        return self.head(self.twin(self.again(self.shared(hidden))))


def randomise(model: Any, seed: int) -> Any:
    """Redraw every weight, bias and running statistic, in float64; matrices keep the signal's size."""
    generator = torch.Generator().manual_seed(seed)
    model.double()
    with torch.no_grad():
        for tensor in model.parameters():
            noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
            tensor.copy_(noise / tensor[0].numel() ** 0.5 if tensor.dim() > 1 else noise)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d):
                drawn = torch.rand(2, len(module.running_var), generator=generator, dtype=torch.float64)
                module.running_mean.copy_(2 * drawn[0] - 1)
                module.running_var.copy_(drawn[1] + 0.5)
    return model


def batch(seed: int = 0, *, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Two utterances, the second one padded."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(len(FRAMES), max(FRAMES), MELS, generator=generator, dtype=torch.float64)
    mask = torch.arange(max(FRAMES)) < torch.tensor(FRAMES)[:, None]
    return {"input_features": features.to(dtype), "attention_mask": mask}


def labelled(seed: int = 0, *, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """A batch with transcripts, for the loss of a CTC model."""
    generator = torch.Generator().manual_seed(seed + 1000)
    return {**batch(seed, dtype=dtype), "labels": torch.randint(1, VOCAB, (2, 3), generator=generator)}


@torch.no_grad()
def output(model: Any, inputs: dict[str, Tensor] | None = None) -> Tensor:
    """Return what a recognizer computes from speech alone: logits of CTC, hidden states of a transducer's encoder."""
    inputs = batch(dtype=model.dtype) if inputs is None else inputs
    heard = model(**inputs) if isinstance(model, ParakeetForCTC) else model.encoder(**inputs)
    return heard.logits if isinstance(model, ParakeetForCTC) else heard.last_hidden_state


def put_gate(model: nn.Module, group: Group, values: Tensor | None = None) -> Tensor:
    """Multiply the output of every unit of a group by a gate, in the forward, and return the gates; 1 unless given.

    A layer's gate is on what its branches add. Gates on units and on their module go together.
    """
    gates = (torch.ones(group.units, dtype=torch.float64) if values is None else values.clone()).requires_grad_()
    if group.granularity == "layer":
        for branch in LAST:
            _gate_output(model.get_submodule(f"{group.module}.{branch}.{LAST[branch]}"), gates)
        return gates
    last = model.get_submodule(f"{group.module}.{LAST[group.module.rpartition('.')[2]]}")
    width = last.weight.shape[1] // group.units
    if group.granularity == "module":
        _gate_output(last, gates)
    elif isinstance(last, nn.Conv1d):
        last.register_forward_pre_hook(lambda _, inputs: (inputs[0] * gates[:, None],))
    else:
        last.register_forward_pre_hook(lambda _, inputs: (inputs[0] * gates.repeat_interleave(width),))
    return gates


def _gate_output(module: nn.Module, gates: Tensor) -> None:
    module.register_forward_hook(lambda _, __, output: output * gates)


def random_masks(groups: Any, seed: int, *, share: float = 0.5) -> dict[str, Tensor]:
    """Draw masks; sites whose units are cut out of tensors keep at least one, modules and layers may go."""
    generator = torch.Generator().manual_seed(seed)
    masks: dict[str, Tensor] = {}
    for group in groups:
        mask = torch.rand(group.units, generator=generator) >= share
        if group.granularity not in ("module", "layer"):
            mask[int(torch.randint(group.units, (), generator=generator))] = True
        masks[group.name] = mask
    return masks


def saved_by(groups: Any, saved: Any, masks: dict[str, Tensor]) -> float:
    """Sum what masked units save, each once: what is inside of something that has left went with it."""
    gone = {group.name for group in groups if not masks[group.name].any()}
    return sum(
        float((~masks[group.name]).sum()) * saved[group.name] for group in groups if not gone.intersection(group.inside)
    )


def could_leave(groups: Any, saved: Any, masks: dict[str, Tensor], *, keep: Any, rounding: Any) -> list[float]:
    """Return what every block would save that may still leave: a site's next units, or what is left of a module."""
    gone = {group.name for group in groups if not masks[group.name].any()}
    reached = saved_by(groups, saved, masks)
    sizes: list[float] = []
    for group in groups:
        kept = int(masks[group.name].sum())
        if group.name in gone or gone.intersection(group.inside):
            continue
        if group.units == 1:
            sizes.append(saved_by(groups, saved, {**masks, group.name: torch.tensor([False])}) - reached)
            continue
        block = kept % rounding.get(group.granularity, 1) or rounding.get(group.granularity, 1)
        if kept - block >= keep.get(group.granularity, 0):
            sizes.append(block * saved[group.name])
    return sizes
