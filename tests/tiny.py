"""Models of two layers with the hard cases: an odd head count, absent biases, GLU, depthwise filters, shared tensors.

What a fresh model has by default hides bugs (norms of weight 1 and bias 0, running means of 0, biases of 0), so
`randomise` redraws everything and goes to float64.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LasrCTCConfig,
    LasrEncoderConfig,
    LasrForCTC,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    ParakeetCTCConfig,
    ParakeetEncoderConfig,
    ParakeetForCTC,
    ParakeetForRNNT,
    ParakeetForTDT,
    ParakeetRNNTConfig,
    ParakeetTDTConfig,
    Wav2Vec2BertConfig,
    Wav2Vec2BertForCTC,
    Wav2Vec2ConformerConfig,
    Wav2Vec2ConformerForCTC,
)
from transformers.pytorch_utils import Conv1D

from secateur.data import for_transducer
from secateur.families import FAMILIES, factorable, family_of, hearing_of, is_transducer
from secateur.granularity import members
from secateur.group import Group
from secateur.jobs.factorise import split_layers
from secateur.surgery import shrink

WIDTH, HEADS, UNITS, KERNEL, MELS, VOCAB, SUBSAMPLED = 12, 3, 10, 5, 16, 7, 4
"""D, H, F, the depthwise kernel, mel bins, V, and the channels of the subsampling."""

HEAD_WIDTH = WIDTH // HEADS
FRAMES = (48, 30)
"""Lengths of the two utterances of a batch: the second one is padded."""

STAGES = (6, 5, 7, 4)
"""Channels of Wav2Vec2-Conformer's front end: the third stage may lose some, the first one too."""

SAMPLES_PER_FRAME = 16
"""How far its front end strides."""

STRUCTURED = ("ffn_unit", "head", "conv_channel", "module", "layer")
ZEROED = ("element", "n_of_m", "block")

BLOCK = (4, 2)
"""A tile that fits most of these matrices, and not those of F rows."""


FASTCONFORMER = {
    "hidden_size": WIDTH,
    "num_attention_heads": HEADS,
    "intermediate_size": UNITS,
    "conv_kernel_size": KERNEL,
    "subsampling_conv_channels": SUBSAMPLED,
    "num_mel_bins": MELS,
    "dropout": 0.0,
    "layerdrop": 0.0,
    "activation_dropout": 0.0,
    "attention_dropout": 0.0,
}


def encoder_config(
    *, layers: int = 2, attention_bias: bool = True, convolution_bias: bool = True, subsampling_factor: int = 4
) -> Any:
    return ParakeetEncoderConfig(
        **FASTCONFORMER,
        num_hidden_layers=layers,
        attention_bias=attention_bias,
        convolution_bias=convolution_bias,
        subsampling_factor=subsampling_factor,
    )


def ctc(**encoder: Any) -> ParakeetForCTC:
    return ParakeetForCTC(
        ParakeetCTCConfig(encoder_config=encoder_config(**encoder), vocab_size=VOCAB, pad_token_id=0)
    ).eval()


def ctc_without_biases(**encoder: Any) -> ParakeetForCTC:
    return ctc(attention_bias=False, convolution_bias=False, **encoder)


def rnnt(*, decoder: int = 6, **encoder: Any) -> ParakeetForRNNT:
    return ParakeetForRNNT(ParakeetRNNTConfig(**_transducer(decoder, encoder))).eval()


def tdt(*, decoder: int = 6, **encoder: Any) -> ParakeetForTDT:
    return ParakeetForTDT(ParakeetTDTConfig(**_transducer(decoder, encoder), durations=[0, 1, 2])).eval()


def _transducer(decoder: int, encoder: dict[str, Any]) -> dict[str, Any]:
    return {
        "encoder_config": encoder_config(**encoder),
        "vocab_size": VOCAB,
        "pad_token_id": 1,
        "blank_token_id": 0,
        "decoder_hidden_size": decoder,
        "num_decoder_layers": 1,
    }


def wav2vec2_conformer(*, layers: int = 2, **changed: Any) -> Wav2Vec2ConformerForCTC:
    settings = {
        **WAV2VEC2,
        "num_hidden_layers": layers,
        "hidden_act": "silu",
        "conv_dim": STAGES,
        "conv_stride": (4, 2, 2, 1),
        "conv_kernel": (6, 3, 2, 1),
        "conv_bias": True,
        "num_conv_pos_embeddings": 4,
        "num_conv_pos_embedding_groups": 3,
        **changed,
    }
    return Wav2Vec2ConformerForCTC(Wav2Vec2ConformerConfig(**settings)).eval()


def wav2vec2_bert(*, layers: int = 2, **changed: Any) -> Wav2Vec2BertForCTC:
    settings = {
        **WAV2VEC2,
        "num_hidden_layers": layers,
        "hidden_act": "gelu",
        "feature_projection_input_dim": MELS,
        "left_max_position_embeddings": 4,
        "right_max_position_embeddings": 2,
        **changed,
    }
    return Wav2Vec2BertForCTC(Wav2Vec2BertConfig(**settings)).eval()


def wav2vec2_bert_with_adapter(**changed: Any) -> Wav2Vec2BertForCTC:
    """An adapter of its own width, and the feed-forward module in front of it."""
    adapter = {"add_adapter": True, "num_adapter_layers": 2, "output_hidden_size": ADAPTED}
    return wav2vec2_bert(**adapter, use_intermediate_ffn_before_adapter=True, **changed)


WAV2VEC2 = {
    "hidden_size": WIDTH,
    "num_attention_heads": HEADS,
    "intermediate_size": UNITS,
    "conv_depthwise_kernel_size": KERNEL,
    "vocab_size": VOCAB,
    "pad_token_id": 0,
    "max_source_positions": 20,
    "hidden_dropout": 0.0,
    "activation_dropout": 0.0,
    "attention_dropout": 0.0,
    "conformer_conv_dropout": 0.0,
    "final_dropout": 0.0,
    "layerdrop": 0.0,
    "apply_spec_augment": False,
}

ADAPTED = 9
"""Width of the adapter, in as many heads."""


def lasr(
    *,
    layers: int = 2,
    attention_bias: bool = True,
    convolution_bias: bool = True,
    vocab_size: int = VOCAB,
    **changed: Any,
) -> LasrForCTC:
    encoder = LasrEncoderConfig(
        **FASTCONFORMER,
        num_hidden_layers=layers,
        attention_bias=attention_bias,
        convolution_bias=convolution_bias,
        subsampling_conv_kernel_size=3,
        **changed,
    )
    return LasrForCTC(LasrCTCConfig(encoder_config=encoder, vocab_size=vocab_size, pad_token_id=0)).eval()


def lasr_without_biases(**encoder: Any) -> LasrForCTC:
    return lasr(attention_bias=False, convolution_bias=False, **encoder)


def gpt2(*, layers: int = 2, **changed: Any) -> GPT2LMHeadModel:
    settings = {
        **TEXT,
        "n_positions": CONTEXT,
        "n_embd": WIDTH,
        "n_layer": layers,
        "n_head": HEADS,
        "n_inner": UNITS,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        **changed,
    }
    return GPT2LMHeadModel(GPT2Config(**settings)).eval()


def opt(*, layers: int = 2, **changed: Any) -> OPTForCausalLM:
    settings = {
        **TEXT,
        "hidden_size": WIDTH,
        "num_hidden_layers": layers,
        "num_attention_heads": HEADS,
        "ffn_dim": UNITS,
        "word_embed_proj_dim": WIDTH,
        "max_position_embeddings": CONTEXT,
        "dropout": 0.0,
        **changed,
    }
    return OPTForCausalLM(OPTConfig(**settings)).eval()


def llama(*, layers: int = 2, **changed: Any) -> LlamaForCausalLM:
    """Four query heads share two of keys and values, of an even width."""
    settings = {
        **TEXT,
        "hidden_size": WIDTH,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 4,
        "intermediate_size": UNITS,
        "max_position_embeddings": CONTEXT,
        **changed,
    }
    return LlamaForCausalLM(LlamaConfig(**settings)).eval()


CONTEXT = 24
"""Most tokens that a language model reads."""

TEXT = {"vocab_size": VOCAB, "bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 1}

PARAKEETS: dict[str, Callable[..., Any]] = {
    "ctc": ctc,
    "ctc_without_biases": ctc_without_biases,
    "rnnt": rnnt,
    "tdt": tdt,
}

BY_FAMILY: dict[str, dict[str, Callable[..., Any]]] = {
    "parakeet": PARAKEETS,
    "wav2vec2_conformer": {
        "conformer": wav2vec2_conformer,
        "conformer_rotary": partial(
            wav2vec2_conformer, position_embeddings_type="rotary", feat_extract_norm="layer", hidden_act="gelu"
        ),
        "conformer_without_positions": partial(
            wav2vec2_conformer, position_embeddings_type=None, conv_bias=False, add_adapter=True, num_adapter_layers=1
        ),
    },
    "wav2vec2_bert": {
        "bert": wav2vec2_bert,
        "bert_relative": partial(wav2vec2_bert, position_embeddings_type="relative"),
        "bert_rotary": partial(wav2vec2_bert, position_embeddings_type="rotary"),
        "bert_without_positions": partial(wav2vec2_bert, position_embeddings_type=None),
        "bert_with_adapter": wav2vec2_bert_with_adapter,
    },
    "lasr": {"lasr": lasr, "lasr_without_biases": lasr_without_biases},
    "gpt2": {"gpt2": gpt2, "gpt2_untied": partial(gpt2, tie_word_embeddings=False)},
    "opt": {
        "opt": opt,
        "opt_norms_behind": partial(opt, do_layer_norm_before=False, word_embed_proj_dim=8),
        "opt_without_biases": partial(opt, enable_bias=False),
    },
    "llama": {"llama": llama, "llama_with_biases": partial(llama, attention_bias=True, mlp_bias=True)},
}

MODELS: dict[str, Callable[..., Any]] = {name: make for models in BY_FAMILY.values() for name, make in models.items()}

RECOGNIZERS: dict[str, Callable[..., Any]] = {
    name: make for family, models in BY_FAMILY.items() if FAMILIES[family].hearing for name, make in models.items()
}

LANGUAGE_MODELS: dict[str, Callable[..., Any]] = {
    name: make for name, make in MODELS.items() if name not in RECOGNIZERS
}

ONE_EACH = {family: next(iter(models.values())) for family, models in BY_FAMILY.items()}
"""Family -> the first of its models."""


def offers(name: str, granularities: Sequence[str]) -> bool:
    """Whether a recognizer has all of these granularities."""
    return not ("conv_channel" in granularities and ("bert" in name or name in LANGUAGE_MODELS))


def split(model: Any) -> Any:
    """Every layer in two factors, all components kept."""
    split_layers(model, factorable(model), {})
    return model


def ctc_for(granularity: str, **encoder: Any) -> Any:
    """A Parakeet that has units of a granularity."""
    return split(ctc(**encoder)) if granularity == "rank" else ctc(**encoder)


def pairs(sets: Sequence[Any], models: Mapping[str, Callable[..., Any]] = MODELS) -> Any:
    """Parametrize over every model and every granularity, or set of them, that it offers."""
    return [
        pytest.param(make, given, id=f"{name}-{given if isinstance(given, str) else '+'.join(given)}")
        for name, make in models.items()
        for given in sets
        if offers(name, [given] if isinstance(given, str) else given)
    ]


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
    """Two utterances as log-mel features, the second one padded."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(len(FRAMES), max(FRAMES), MELS, generator=generator, dtype=torch.float64)
    mask = torch.arange(max(FRAMES)) < torch.tensor(FRAMES)[:, None]
    return {"input_features": features.to(dtype), "attention_mask": mask}


def samples(seed: int = 0, *, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Two utterances as samples, the second one padded."""
    generator = torch.Generator().manual_seed(seed)
    lengths = SAMPLES_PER_FRAME * torch.tensor(FRAMES)
    values = torch.randn(len(FRAMES), int(lengths.max()), generator=generator, dtype=torch.float64)
    mask = torch.arange(int(lengths.max())) < lengths[:, None]
    return {"input_values": values.to(dtype), "attention_mask": mask}


def tokens(seed: int = 0) -> dict[str, Tensor]:
    """Two texts, the second one padded."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([9, 6])
    mask = (torch.arange(int(lengths.max())) < lengths[:, None]).long()
    drawn = torch.randint(2, VOCAB, mask.shape, generator=generator)
    return {"input_ids": torch.where(mask.bool(), drawn, TEXT["pad_token_id"]), "attention_mask": mask}


def batch_for(model: Any, seed: int = 0) -> dict[str, Tensor]:
    """Two utterances as `model` hears them, or texts as it reads them, the second one padded."""
    if model.main_input_name == "input_ids":
        return tokens(seed)
    make = samples if model.main_input_name == "input_values" else batch
    return make(seed, dtype=model.dtype)


def labelled(seed: int = 0, *, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """A batch with transcripts, for the loss of a CTC model."""
    generator = torch.Generator().manual_seed(seed + 1000)
    return {**batch(seed, dtype=dtype), "labels": torch.randint(1, VOCAB, (2, 3), generator=generator)}


def labelled_for(model: Any, seed: int = 0) -> dict[str, Tensor]:
    """A batch with transcripts, as a recognizer hears it, or a text to go on with, as a language model reads it."""
    inputs = batch_for(model, seed)
    if "input_ids" in inputs:
        return {**inputs, "labels": inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)}
    found = {**inputs, "labels": labelled(seed)["labels"]}
    return for_transducer(found, blank=model.config.blank_token_id, padding=1) if is_transducer(model) else found


@torch.no_grad()
def output(model: Any, inputs: dict[str, Tensor] | None = None) -> Tensor:
    """Return what a model computes: logits from speech or text, hidden states of a transducer's encoder."""
    inputs = batch_for(model) if inputs is None else inputs
    if "input_ids" in inputs or isinstance(model, hearing_of(model).ctc):
        return model(**inputs).logits
    return model.encoder(**inputs).last_hidden_state


LAST = {
    **dict.fromkeys(("feed_forward1", "feed_forward2"), ("linear2",)),
    **dict.fromkeys(("ffn1", "ffn2", "ffn", "intermediate_ffn"), ("output_dense",)),
    **dict.fromkeys(("conv", "conv_module"), ("pointwise_conv2",)),
    "self_attn": ("o_proj", "linear_out", "out_proj"),
    "attn": ("c_proj",),
    "mlp": ("c_proj", "down_proj"),
    "fc2": (),
}
"""The layer of a branch whose output is added to the residual stream, by what families call the two."""


def put_gate(model: nn.Module, group: Group, values: Tensor | None = None) -> Tensor:
    """Multiply the output of every unit of a group by a gate, in the forward, and return the gates; 1 unless given.

    A layer's gate is on what its branches add. Gates on units and on their module go together.
    """
    gates = (torch.ones(group.units, dtype=torch.float64) if values is None else values.clone()).requires_grad_()
    module = model.get_submodule(group.module)
    if group.granularity == "layer":
        for name, branch in module.named_children():
            if name in LAST:
                _gate_output(_last(name, branch), gates)
        return gates
    last = _last(group.module.rpartition(".")[2], module)
    reads = model.get_submodule(group.also[-1]) if group.also else last
    if group.granularity == "module":
        _gate_output(last, gates)
    elif isinstance(reads, nn.Conv1d | nn.Conv2d):
        axes = (1,) * (reads.weight.dim() - 2)
        reads.register_forward_pre_hook(lambda _, inputs: (inputs[0] * gates.view(-1, *axes),))
    else:
        inputs = reads.nx if isinstance(reads, Conv1D) else reads.in_features
        width = inputs // group.units
        reads.register_forward_pre_hook(lambda _, inputs: (inputs[0] * gates.repeat_interleave(width),))
    return gates


def _last(name: str, branch: nn.Module) -> nn.Module:
    """Return the layer that a branch ends with: the branch itself where it has none inside."""
    return next((layer for child, layer in branch.named_children() if child in LAST.get(name, ())), branch)


def _gate_output(module: nn.Module, gates: Tensor) -> None:
    module.register_forward_hook(lambda _, __, output: output * gates)


def groups_of(model: nn.Module) -> dict[str, Group]:
    """Return all structured groups of a model by site."""
    return {group.name: group for group in family_of(model).groups(model)}


def cut(model: Any, masks: Mapping[str, Tensor]) -> Any:
    """Shrink a model by these masks, and return it."""
    family = family_of(model)
    shrink(model, family.groups(model), masks, set_layers=family.set_layers)
    return model


def taken(model: nn.Module) -> dict[str, int]:
    """Return how many parameters a unit of each site takes along."""
    sizes = {name: tensor.shape for name, tensor in model.named_parameters()}
    return {name: members(group, sizes) for name, group in groups_of(model).items()}


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
