"""What a model costs and what it gets wrong: measured, never estimated."""

from secateur.evaluation.cost import macs, macs_per_audio_second, nonzero_parameters, parameters, weight_bytes
from secateur.evaluation.inputs import dummy_inputs
from secateur.evaluation.latency import Speedup, Timings, interleaved, speedup
from secateur.evaluation.memory import peak_rss_bytes
from secateur.evaluation.perplexity import Surprise, surprise
from secateur.evaluation.significance import PairedDifference, interval, paired
from secateur.evaluation.wer import NORMALIZER_NAME, Difference, WordErrors, differences, normalize, word_errors

__all__ = [
    "NORMALIZER_NAME",
    "Difference",
    "PairedDifference",
    "Speedup",
    "Surprise",
    "Timings",
    "WordErrors",
    "differences",
    "dummy_inputs",
    "interleaved",
    "interval",
    "macs",
    "macs_per_audio_second",
    "nonzero_parameters",
    "normalize",
    "paired",
    "parameters",
    "peak_rss_bytes",
    "speedup",
    "surprise",
    "weight_bytes",
    "word_errors",
]
