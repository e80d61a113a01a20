"""Training rides on `transformers.Trainer`: a subclass, callbacks, and models from scratch."""

from secateur.training.arguments import arguments, kept_on_its_way
from secateur.training.batch_norm import reestimate
from secateur.training.beside import keep, kept
from secateur.training.distilling import DistillationCallback
from secateur.training.keep_zeros import KeepZeros
from secateur.training.language_model import byte_pair_tokenizer, causal_lm
from secateur.training.last_good import LastGood
from secateur.training.log import LogFile
from secateur.training.old_checkpoints import OldCheckpoints
from secateur.training.precision import single_precision
from secateur.training.progress import ProgressBar
from secateur.training.pruning import PruningCallback
from secateur.training.rounding import RoundingCallback
from secateur.training.scratch import character_processor, parakeet_ctc, parakeet_transducer
from secateur.training.trainer import EvenTrainer
from secateur.training.transducer import give_loss, rnnt_loss

__all__ = [
    "DistillationCallback",
    "EvenTrainer",
    "KeepZeros",
    "LastGood",
    "LogFile",
    "OldCheckpoints",
    "ProgressBar",
    "PruningCallback",
    "RoundingCallback",
    "arguments",
    "byte_pair_tokenizer",
    "causal_lm",
    "character_processor",
    "give_loss",
    "keep",
    "kept",
    "kept_on_its_way",
    "parakeet_ctc",
    "parakeet_transducer",
    "reestimate",
    "rnnt_loss",
    "single_precision",
]
