"""From frames to text.

What needs flashlight-text, an extra, lies in `secateur.decoding.beam`, `.fusion` and `.ngram`, and is imported by name.
"""

from secateur.decoding.greedy import best_path, transcribe
from secateur.decoding.kneser_ney import write_arpa
from secateur.decoding.nbest import Decode, Decoder, NBest
from secateur.decoding.rescore import Candidates, Rescored, score_lists, tune
from secateur.decoding.scored import Scored, Scorer, Weights
from secateur.decoding.search import decode
from secateur.decoding.spelling import pieces

__all__ = [
    "Candidates",
    "Decode",
    "Decoder",
    "NBest",
    "Rescored",
    "Scored",
    "Scorer",
    "Weights",
    "best_path",
    "decode",
    "pieces",
    "score_lists",
    "transcribe",
    "tune",
    "write_arpa",
]
