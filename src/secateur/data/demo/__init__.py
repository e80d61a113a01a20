"""The embedded demo corpus: voice-assistant commands spoken by eSpeak NG, made where they are needed.

grammar --sentences--> voices --speak--> noise --record--> corpus --make--> FLAC files and manifests
"""

from secateur.data.demo.corpus import SETTINGS_FILE, Corpus, make
from secateur.data.demo.grammar import LONGEST, sentence, sentences, split_of, vocabulary
from secateur.data.demo.noise import NOISES, record
from secateur.data.demo.voices import SAMPLE_RATE, VOICES, Split, Voice, speak

__all__ = [
    "LONGEST",
    "NOISES",
    "SAMPLE_RATE",
    "SETTINGS_FILE",
    "VOICES",
    "Corpus",
    "Split",
    "Voice",
    "make",
    "record",
    "sentence",
    "sentences",
    "speak",
    "split_of",
    "vocabulary",
]
