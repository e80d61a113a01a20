"""What this processor is good at, by what PyTorch says of it."""

from collections.abc import Mapping

import torch


def emulates_bfloat16() -> bool:
    """Whether bfloat16 is emulated on this processor, in which it is far slower than float32.

    On an AMD EPYC of the Zen 3 kind a product of 1024 x 512 by 512 x 512 takes 43 times as long as in float32
    (timed once, not committed).
    """
    return _lacks("avx512_f")


def saturates() -> bool:
    """Whether sums of two products of 8-bit integers are held in 16 bits, which are too few for weights of full range.

    Source: the documentation of ONNX Runtime on quantization, which advises weights of 7 bits there.
    """
    return _lacks("avx512_vnni", "avx_vnni")


def _lacks(*features: str) -> bool:
    """Whether this is an x86 processor that has none of these features; an older PyTorch does not say."""
    found: Mapping[str, object] = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return found.get("architecture") == "x86_64" and not any(found.get(feature) for feature in features)
