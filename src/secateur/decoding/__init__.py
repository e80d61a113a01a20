"""From frames to text."""

from secateur.decoding.greedy import transcribe

__all__ = ["transcribe"]
