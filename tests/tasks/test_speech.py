import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import Wav2Vec2CTCTokenizer

from secateur.decoding import transcribe
from secateur.errors import DataError
from secateur.evaluation import word_errors
from secateur.recipes import recipe_from
from secateur.tasks import SPEECH
from secateur.tasks.speech import encoder_frames, evaluated, speller, training_speech
from speech import MELS, TEXTS, fields, processor, recognizer, write_audio, write_manifest

MODEL, PROCESSOR = recognizer(), processor()


def read(folder: Path, **changed: Any) -> Any:
    return training_speech(recipe_from(fields(folder, **changed)), MODEL, PROCESSOR)


def lines(path: Path, *texts: str, seconds: float = 0.6) -> str:
    records = []
    for i, text in enumerate(texts):
        audio = write_audio(path.parent / f"{path.stem}{i}.wav", "yes", seconds)
        records.append({"audio_filepath": audio.name, "text": text, "duration": seconds})
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


def test_every_utterance_has_features_labels_and_seconds(tmp_path: Path) -> None:
    speech = read(tmp_path, augment={"speed": None, "specaugment": None})
    assert len(speech.dataset) == len(speech.sizes) == 8
    example = speech.dataset[0, 0]
    assert example.features.shape == (len(example.features), MELS)
    assert list(example.labels) == PROCESSOR.tokenizer("yes")["input_ids"]
    assert speech.sizes[0] == pytest.approx(0.7, abs=0.01)


def test_several_manifests_are_one_training_set(tmp_path: Path) -> None:
    again = write_manifest(tmp_path / "again.jsonl", ["more"])
    both = fields(tmp_path)["data"] | {"train": [str(tmp_path / "train.jsonl"), str(again)]}
    assert len(read(tmp_path, data=both).dataset) == 9


def test_speeds_are_drawn_and_durations_are_their_mean(tmp_path: Path) -> None:
    speech = read(tmp_path, augment={"speed": [0.5, 1.0], "specaugment": None})
    lengths = {len(speech.dataset[epoch, 0].features) for epoch in range(20)}
    assert lengths == {70, 140}
    assert speech.sizes[0] == pytest.approx(1.05)


def test_specaugment_is_on_unless_switched_off(tmp_path: Path) -> None:
    def blanked(augment: dict[str, Any]) -> bool:
        dataset = read(tmp_path, augment=augment).dataset
        return any((dataset[epoch, 0].features == 0).all(axis=0).any() for epoch in range(10))

    assert blanked({"speed": None})
    assert not blanked({"speed": None, "specaugment": None})


def test_for_scores_nothing_is_augmented(tmp_path: Path) -> None:
    recipe = recipe_from(fields(tmp_path, augment={"speed": [0.5, 1.0]}))
    speech = training_speech(recipe, MODEL, PROCESSOR, plain=True)
    draws = [speech.dataset[epoch, 0].features for epoch in range(5)]
    assert all(np.array_equal(draw, draws[0]) for draw in draws)
    assert len(draws[0]) == 70


def test_the_same_seed_draws_the_same_augmentation(tmp_path: Path) -> None:
    one, two, other = (read(tmp_path, seed=seed).dataset[3, 0].features for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_white_space_around_and_between_words_is_no_text(tmp_path: Path) -> None:
    data = {"train": lines(tmp_path / "m.jsonl", "  go\t on\n", "go on", "   ")}
    dataset = read(tmp_path, data=data).dataset
    assert len(dataset) == 2
    assert dataset[0, 0].labels == dataset[0, 1].labels


def test_what_cannot_be_trained_on_is_said_and_the_rest_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = {"train": lines(tmp_path / "m.jsonl", "yes", "a" * 15, "naïve", "")}
    with caplog.at_level(logging.WARNING):
        speech = read(tmp_path, data=data)
    assert len(speech.dataset) == len(speech.sizes) == 1
    text = "\n".join(caplog.messages)
    for reason in ("are too short for their text", "have characters outside the vocabulary", "have no text"):
        assert f"1 of 4 utterances {reason} and are skipped" in text


def test_the_fastest_speed_decides_what_is_too_short(tmp_path: Path) -> None:
    data = {"train": lines(tmp_path / "m.jsonl", "yes", "abcdefgh", seconds=0.32)}
    assert len(read(tmp_path, data=data, augment={"speed": None}).dataset) == 2
    assert len(read(tmp_path, data=data, augment={"speed": [1.0, 2.0]}).dataset) == 1


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"`data\.train` must hold utterances that can be trained on, but none of 1 can"
    ):
        read(tmp_path, data={"train": lines(tmp_path / "m.jsonl", "7")})
    with pytest.raises(DataError, match=r"longer than 0\.1 s"):
        read(tmp_path, max_seconds=0.1)


def test_sets_keep_their_names_and_all_of_their_utterances(tmp_path: Path) -> None:
    one, two = (lines(tmp_path / f"{name}.jsonl", "naïve", "") for name in ("a", "b"))
    found = evaluated({"first": (one,), "both": (one, two)}, PROCESSOR)
    assert [(s.name, len(s.utterances), len(s.features)) for s in found] == [("first", 2, 2), ("both", 4, 4)]
    assert evaluated({}, PROCESSOR) == []


def test_a_set_without_words_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the set `test` must hold at least one word"):
        evaluated({"test": (lines(tmp_path / "m.jsonl", "", " ?"),)}, PROCESSOR)


def test_encoder_frames_are_what_the_model_gives() -> None:
    import torch

    lengths = np.array([1, 4, 5, 37, 100])
    expected = [MODEL(torch.zeros(1, int(n), MELS)).logits.shape[1] for n in lengths]
    assert encoder_frames(MODEL, lengths).tolist() == expected


@pytest.mark.parametrize(
    ("letters", "spelled"),
    [("abc", "ab ca"), ("ABC", "AB CA"), ("abcABC", "Ab Ca"), ("", "<unk><unk> <unk><unk>")],
    ids=["small", "capitals", "both", "neither"],
)
def test_a_text_is_put_in_the_only_case_that_a_vocabulary_knows(letters: str, spelled: str, tmp_path: Path) -> None:
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<unk>", "|", *letters])}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    tokens = {"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": None, "eos_token": None}
    tokenizer = Wav2Vec2CTCTokenizer(str(tmp_path / "vocab.json"), **tokens)
    assert tokenizer.decode(speller(tokenizer)(" Ab\tCa "), group_tokens=False) == spelled


def test_the_error_rate_of_several_sets_is_the_mean_of_theirs(tmp_path: Path) -> None:
    paths = {name: (str(write_manifest(tmp_path / f"{name}.jsonl", texts)),) for name, texts in
             {"a": TEXTS[:2], "b": [text.upper() + "!" for text in TEXTS[2:]]}.items()}  # fmt: skip
    sets = evaluated(paths, processor())
    model = recognizer(seed=1)
    found = SPEECH.validate(model, processor(), sets)
    rates = [word_errors([u.text for u in s.utterances], transcribe(model, processor(), s.features)).wer for s in sets]
    assert found == {"wer_a": rates[0], "wer_b": rates[1], "wer": sum(rates) / 2}
