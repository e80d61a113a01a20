"""Parakeet, the FastConformer of `transformers`: CTC models, and the encoders of its transducers."""

from typing import Any

from torch import nn
from transformers.models.parakeet.modeling_parakeet import (
    ParakeetEncoder,
    ParakeetEncoderAttention,
    ParakeetEncoderBlock,
    ParakeetEncoderConvolutionModule,
    ParakeetEncoderFeedForward,
)

from secateur.families.family import Family
from secateur.group import Group, Slice

BRANCHES = {
    "feed_forward1": "norm_feed_forward1",
    "self_attn": "norm_self_att",
    "conv": "norm_conv",
    "feed_forward2": "norm_feed_forward2",
}
"""A block's residual branches and the norm in front of each, in the order of its forward."""

LAST = {"feed_forward1": "linear2", "self_attn": "o_proj", "conv": "pointwise_conv2", "feed_forward2": "linear2"}
"""The layer of each branch whose output is added to the residual stream."""

HEAD_COUNTS = ("config.num_attention_heads", "config.num_key_value_heads")


def _groups(model: nn.Module) -> list[Group]:
    """Every head, feed-forward unit, convolution channel, residual module and block of the encoder."""
    blocks = [(name, module) for name, module in model.named_modules() if isinstance(module, ParakeetEncoderBlock)]
    return [group for name, block in blocks for group in _block_groups(name, block)]


def _block_groups(name: str, block: ParakeetEncoderBlock) -> list[Group]:
    layer = f"{name}:layer"
    groups = [
        Group(
            name=layer,
            granularity="layer",
            module=name,
            units=1,
            slices=tuple(Slice(tensor=f"{name}.{t}", gate=_is_gate(t)) for t in _tensors(block)),
        )
    ]
    for branch in BRANCHES:
        module = getattr(block, branch)
        path = f"{name}.{branch}"
        if isinstance(module, ParakeetEncoderFeedForward | ParakeetEncoderAttention | ParakeetEncoderConvolutionModule):
            groups.append(_branch(path, module, norm=f"{name}.{BRANCHES[branch]}", layer=layer, block=block))
            groups.append(_units(path, module, inside=(f"{path}:module", layer)))
    return groups


def _is_gate(parameter: str) -> bool:
    """Whether a block's parameter belongs to the last layer of one of its branches."""
    return any(parameter.startswith(f"{branch}.{last}.") for branch, last in LAST.items())


def _branch(path: str, module: nn.Module, *, norm: str, layer: str, block: nn.Module) -> Group:
    last = LAST[path.rpartition(".")[2]]
    own = [Slice(tensor=f"{path}.{t}", gate=t.startswith(f"{last}.")) for t in _tensors(module)]
    norm_module = block.get_submodule(norm.rpartition(".")[2])
    norms = [Slice(tensor=f"{norm}.{t}") for t in _tensors(norm_module)]
    return Group(
        name=f"{path}:module",
        granularity="module",
        module=path,
        units=1,
        slices=(*own, *norms),
        inside=(layer,),
        drops=(norm,),
        outputs=2 if isinstance(module, ParakeetEncoderAttention) else 1,
    )


def _units(path: str, module: nn.Module, *, inside: tuple[str, ...]) -> Group:
    if isinstance(module, ParakeetEncoderAttention):
        return _heads(path, module, inside)
    if isinstance(module, ParakeetEncoderConvolutionModule):
        return _channels(path, module, inside)
    return _hidden_units(path, module, inside)


def _heads(path: str, module: ParakeetEncoderAttention, inside: tuple[str, ...]) -> Group:
    """A head: its rows of query, key, value and relative-key projection, both position biases, its output columns."""
    heads, width = module.bias_u.shape
    rows = [(layer, tensor) for layer in ("q_proj", "k_proj", "v_proj", "relative_k_proj") for tensor in _ROWS]
    slices = [Slice(tensor=f"{path}.{layer}.{tensor}", dim=0, width=width) for layer, tensor in rows]
    biases = [Slice(tensor=f"{path}.{bias}", dim=0) for bias in ("bias_u", "bias_v")]
    out = Slice(tensor=f"{path}.o_proj.weight", dim=1, width=width, gate=True)
    return Group(
        name=f"{path}:head",
        granularity="head",
        module=path,
        units=heads,
        slices=_present(path, module, [*slices, *biases, out]),
        counts=HEAD_COUNTS,
        inside=inside,
    )


def _hidden_units(path: str, module: Any, inside: tuple[str, ...]) -> Group:
    """A feed-forward unit: its row and bias of the first layer, its column of the second."""
    rows = [Slice(tensor=f"{path}.linear1.{tensor}", dim=0) for tensor in _ROWS]
    return Group(
        name=f"{path}:ffn_unit",
        granularity="ffn_unit",
        module=path,
        units=module.linear1.out_features,
        slices=_present(path, module, [*rows, Slice(tensor=f"{path}.linear2.weight", dim=1, gate=True)]),
        inside=inside,
    )


def _channels(path: str, module: ParakeetEncoderConvolutionModule, inside: tuple[str, ...]) -> Group:
    """A channel: both halves of the gated linear unit, its depthwise filter, its norm entry, its output column."""
    channels = module.depthwise_conv.weight.shape[0]
    halves = [
        Slice(tensor=f"{path}.pointwise_conv1.{tensor}", dim=0, offset=offset)
        for tensor in _ROWS
        for offset in (0, channels)
    ]
    filters = [Slice(tensor=f"{path}.depthwise_conv.{tensor}", dim=0) for tensor in _ROWS]
    norms = [Slice(tensor=f"{path}.norm.{tensor}", dim=0) for tensor in (*_ROWS, "running_mean", "running_var")]
    out = Slice(tensor=f"{path}.pointwise_conv2.weight", dim=1, gate=True)
    return Group(
        name=f"{path}:conv_channel",
        granularity="conv_channel",
        module=path,
        units=channels,
        slices=_present(path, module, [*halves, *filters, *norms, out]),
        inside=inside,
    )


_ROWS = ("weight", "bias")


def _tensors(module: nn.Module) -> list[str]:
    """Name all parameters and buffers."""
    return [name for name, _ in (*module.named_parameters(), *module.named_buffers())]


def _present(path: str, module: nn.Module, slices: list[Slice]) -> tuple[Slice, ...]:
    """Leave out tensors that this model does not have: biases are optional."""
    names = {f"{path}.{name}" for name in _tensors(module)}
    return tuple(s for s in slices if s.tensor in names)


def _encoder(model: Any) -> ParakeetEncoder:
    return next(module for module in model.modules() if isinstance(module, ParakeetEncoder))


def _encoder_configs(model: Any) -> list[Any]:
    """Return the configuration objects that describe the encoder: the model's nested one and the encoder's own."""
    return [getattr(model.config, "encoder_config", model.config), _encoder(model).config]


def _set_layers(model: Any, layers: int) -> None:
    for config in _encoder_configs(model):
        config.num_hidden_layers = layers


def _widths(model: Any) -> dict[str, Any] | None:
    """Feed-forward width, where that alone describes every block; heads and channels have no free width of their own.

    The configuration ties the head dimension and the convolution's channels to the model width, so a model whose
    heads or channels were cut needs the plan.
    """
    encoder = _encoder(model)
    config = encoder.config
    found: set[tuple[int, int, int]] = set()
    for block in encoder.layers:
        branches = [getattr(block, branch) for branch in BRANCHES]
        ffn1, attention, conv, ffn2 = branches
        if not (
            isinstance(ffn1, ParakeetEncoderFeedForward)
            and isinstance(ffn2, ParakeetEncoderFeedForward)
            and isinstance(attention, ParakeetEncoderAttention)
            and isinstance(conv, ParakeetEncoderConvolutionModule)
        ):
            return None
        found |= {
            (ffn.linear1.out_features, attention.bias_u.shape[0], conv.depthwise_conv.out_channels)
            for ffn in (ffn1, ffn2)
        }
    whole = {(width, config.num_attention_heads, config.hidden_size) for width, _, _ in found}
    return {"intermediate_size": next(iter(found))[0]} if len(found) == 1 and found == whole else None


PARAKEET = Family(
    name="parakeet",
    summary="Parakeet / FastConformer: CTC models, and the encoders of RNN-T and TDT models",
    matches=lambda model: any(isinstance(module, ParakeetEncoder) for module in model.modules()),
    groups=_groups,
    set_layers=_set_layers,
    widths=_widths,
)
