"""What the Conformers written after NeMo's FastConformer, Parakeet and LASR, call their parts."""

from torch import nn

from secateur.families.blocks import Block, Branch
from secateur.families.units import Channels, Heads, HiddenUnits

UNITS = HiddenUnits(first="linear1", last="linear2")

CHANNELS = Channels(gated="pointwise_conv1", depthwise="depthwise_conv", norm="norm", last="pointwise_conv2")


def block(
    kind: type[nn.Module],
    *,
    feed_forward: type[nn.Module],
    attention: type[nn.Module],
    convolution: type[nn.Module],
    heads: Heads,
) -> Block:
    """Return the block of the classes given: every branch has its norm in front."""
    first, second = (
        Branch(name=name, kind=feed_forward, norm=f"norm_{name}", units=UNITS, last=UNITS.last)
        for name in ("feed_forward1", "feed_forward2")
    )
    return Block(
        kind=kind,
        branches=(
            first,
            Branch(name="self_attn", kind=attention, norm="norm_self_att", units=heads, last=heads.last, outputs=2),
            Branch(name="conv", kind=convolution, norm="norm_conv", units=CHANNELS, last=CHANNELS.last),
            second,
        ),
    )
