"""A small language model, its tokenizer, and texts to train and measure it on."""

from functools import cache
from pathlib import Path
from typing import Any

from transformers import set_seed

from secateur.training import byte_pair_tokenizer, causal_lm

SENTENCES = (
    "the cat sat on the mat",
    "the dog sat on the log",
    "a cat and a dog ran home",
    "turn the light on",
    "turn the light off",
    "set an alarm for seven",
    "play the next song",
    "what is the time",
)

SHAPE: dict[str, Any] = {
    "family": "gpt2",
    "hidden_size": 16,
    "layers": 2,
    "heads": 4,
    "key_value_heads": None,
    "intermediate_size": 32,
    "max_tokens": 40,
    "dropout": 0.0,
}
VOCABULARY = 300
NOTHING_ON_THE_WAY = {"eval_strategy": "no", "save_strategy": "no"}
ARCHITECTURE = {**{k: v for k, v in SHAPE.items() if v is not None}, "vocabulary": VOCABULARY}


@cache
def tokenizer() -> Any:
    return byte_pair_tokenizer(SENTENCES * 3, vocabulary=VOCABULARY)


def language_model(*, seed: int = 0, **shape: Any) -> Any:
    set_seed(seed)
    return causal_lm(tokenizer(), **{**SHAPE, **shape})


def save_language_model(folder: Path, **options: Any) -> Path:
    language_model(**options).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def write_text(path: Path, sentences: tuple[str, ...] = SENTENCES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{sentence}\n" for sentence in sentences))
    return path


def text_fields(folder: Path, **changed: Any) -> dict[str, Any]:
    """A recipe's fields: train on some sentences, measure on others, in seconds."""
    train = write_text(folder / "train.txt", SENTENCES * 4)
    test = write_text(folder / "test.txt", SENTENCES[:4])
    return {
        "data": {"train": str(train), "valid": str(test), "test": str(test)},
        "batch_tokens": 120,
        "train": {
            "max_steps": 4,
            "learning_rate": 1e-2,
            "logging_steps": 1,
            "eval_strategy": "no",
            "save_strategy": "no",
        },
        "bench": {"tokens": [8], "repeats": 2},
        **changed,
    }
