"""What a model costs and what it gets wrong: measured, never estimated."""

from secateur.evaluation.accelerator import on_accelerator
from secateur.evaluation.bandwidth import bytes_per_second
from secateur.evaluation.cost import (
    embedding_parameters,
    macs,
    macs_per_unit,
    nonzero_parameters,
    parameters,
    weight_bytes,
)
from secateur.evaluation.dense import Weights, as_linear, bytes_read, dense, usable_weights
from secateur.evaluation.inputs import InputUnit, dummy_inputs, input_unit, longest_input, reference_length
from secateur.evaluation.latency import Speedup, Timings, interleaved, speedup, threads_limited_to
from secateur.evaluation.memory import peak_rss_bytes
from secateur.evaluation.onnx_session import OnnxSession
from secateur.evaluation.perplexity import Surprise, check_sentences, check_vocabulary, surprise
from secateur.evaluation.significance import PairedDifference, interval, paired
from secateur.evaluation.wer import (
    NORMALIZER_NAME,
    Difference,
    WordErrors,
    differences,
    normalize,
    word_edits,
    word_errors,
)

__all__ = [
    "NORMALIZER_NAME",
    "Difference",
    "InputUnit",
    "OnnxSession",
    "PairedDifference",
    "Speedup",
    "Surprise",
    "Timings",
    "Weights",
    "WordErrors",
    "as_linear",
    "bytes_per_second",
    "bytes_read",
    "check_sentences",
    "check_vocabulary",
    "dense",
    "differences",
    "dummy_inputs",
    "embedding_parameters",
    "input_unit",
    "interleaved",
    "interval",
    "longest_input",
    "macs",
    "macs_per_unit",
    "nonzero_parameters",
    "normalize",
    "on_accelerator",
    "paired",
    "parameters",
    "peak_rss_bytes",
    "reference_length",
    "speedup",
    "surprise",
    "threads_limited_to",
    "usable_weights",
    "weight_bytes",
    "word_edits",
    "word_errors",
]
