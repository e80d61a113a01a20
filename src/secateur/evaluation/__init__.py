"""What a model costs and what it gets wrong: measured, never estimated."""

from secateur.evaluation.accelerator import on_accelerator
from secateur.evaluation.cost import (
    embedding_parameters,
    macs,
    macs_per_unit,
    nonzero_parameters,
    parameters,
    weight_bytes,
)
from secateur.evaluation.inputs import InputUnit, dummy_inputs, input_unit, longest_input, reference_length
from secateur.evaluation.latency import Speedup, Timings, interleaved, speedup, threads_limited_to
from secateur.evaluation.memory import peak_rss_bytes
from secateur.evaluation.perplexity import Surprise, check_sentences, check_vocabulary, surprise
from secateur.evaluation.significance import PairedDifference, interval, paired
from secateur.evaluation.wer import NORMALIZER_NAME, Difference, WordErrors, differences, normalize, word_errors

__all__ = [
    "NORMALIZER_NAME",
    "Difference",
    "InputUnit",
    "PairedDifference",
    "Speedup",
    "Surprise",
    "Timings",
    "WordErrors",
    "check_sentences",
    "check_vocabulary",
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
    "weight_bytes",
    "word_errors",
]
