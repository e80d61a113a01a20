"""What a pruned model learns from the one it came from."""

from secateur.distill.distillation import Distillation, Teaching
from secateur.distill.layerwise import MATCHINGS, distance, distances, spread
from secateur.distill.logits import logit_loss
from secateur.distill.projection import Projection
from secateur.distill.taps import Taps

__all__ = [
    "MATCHINGS",
    "Distillation",
    "Projection",
    "Taps",
    "Teaching",
    "distance",
    "distances",
    "logit_loss",
    "spread",
]
