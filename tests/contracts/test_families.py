"""A recognizer of any family goes through every verb, and what comes out opens as any model does."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCTC, pipeline

import recognizers
import secateur
import tiny
from secateur.data import read
from secateur.data.audio import load
from secateur.evaluation import parameters
from secateur.families import FAMILIES, hearing_of
from secateur.recipes import recipe_from
from secateur.tasks.models import load_processor, load_recognizer
from secateur.tasks.speech import training_speech
from speech import FEW, RATE, alone, fields, no_process_for_memory

__all__ = ["alone", "no_process_for_memory"]

GIVEN = "given"
"""Where the recognizer lies."""

GRANULARITIES = ["head", "ffn_unit", "conv_channel", "module"]

each_family = pytest.mark.parametrize("build", recognizers.BUILD.values(), ids=recognizers.BUILD)


def recipe(folder: Path, build: Callable[..., Path], **changed: Any) -> dict[str, Any]:
    wanted = {"criterion": "taylor", "granularity": GRANULARITIES, "target": {"params": 0.8}, "calibration_batches": 1}
    return {**fields(folder), "model": str(build(folder / GIVEN)), **wanted, **changed}


def test_no_family_is_forgotten() -> None:
    assert recognizers.BUILD.keys() == {name for name, family in FAMILIES.items() if family.hearing}


@pytest.mark.parametrize("steps", [0, 2], ids=["one shot", "trained"])
@each_family
def test_it_is_pruned_and_opens_again(build: Callable[..., Path], steps: int, tmp_path: Path) -> None:
    train = {"max_steps": steps, "learning_rate": 1e-3}
    report = secateur.prune(recipe(tmp_path, build, train=train), out=tmp_path / "out")
    dense, small = (load_recognizer(str(tmp_path / where)) for where in (GIVEN, "out/model"))
    assert report["pruned"]["params"] == parameters(small) <= 0.8 * parameters(dense)
    assert report["pruned"]["macs_per_audio_second"] < report["dense"]["macs_per_audio_second"]
    assert parameters(AutoModelForCTC.from_pretrained(tmp_path / "out/model")) == parameters(small)
    utterances = read(tmp_path / "test.jsonl")
    hear = pipeline("automatic-speech-recognition", model=str(tmp_path / "out/model"))
    heard = [hear({"raw": load(u, RATE), "sampling_rate": RATE})["text"].strip() for u in utterances]
    ours = secateur.transcribe(str(tmp_path / "out/model"), [u.audio for u in utterances])
    assert any(ours)
    for whole, text in zip(heard, ours, strict=True):
        # The library also spells the last frame where its own extractor marks it as padding.
        assert whole.startswith(text)
        assert len(whole) - len(text) <= 1


@each_family
def test_it_is_trained_measured_and_timed(build: Callable[..., Path], tmp_path: Path) -> None:
    wanted = {"train": {"max_steps": 2}, "augment": {"speed": [0.9, 1.1]}}
    fields(tmp_path)  # writes the speech
    data = {part: str(tmp_path / f"{part}.jsonl") for part in ("train", "test")}
    model = str(build(tmp_path / GIVEN))
    report = secateur.train({"model": model, "data": data, "bench": FEW, **wanted}, out=tmp_path / "out")
    folder = str(tmp_path / "out/model")
    assert secateur.evaluate(folder, [str(tmp_path / "test.jsonl")])["wer"] == report["dense"]["wer"]
    settings = recipe_from({"model": folder, "target": {"params": 0.5}, "bench": FEW}).bench
    assert secateur.bench(folder, settings=settings)["model"]["rtf"] > 0


@pytest.mark.parametrize(
    "wanted",
    [
        {"method": "l0"},
        {"distill": {"layers": "matched", "logits": 1.0, "taps": 2}},
        {"distill": {"layers": "fixed", "taps": 2}},
    ],
    ids=["gates", "teacher", "fixed"],
)
@each_family
def test_gates_and_teachers_work_too(build: Callable[..., Path], wanted: dict[str, Any], tmp_path: Path) -> None:
    fields_of = {**recipe(tmp_path, build, train={"max_steps": 4}), **wanted}
    if "method" in wanted:
        del fields_of["criterion"]
    report = secateur.prune(fields_of, out=tmp_path / "out")
    assert report["target"]["reached"] <= 0.8


@each_family
def test_a_multiplication_target_is_met(build: Callable[..., Path], tmp_path: Path) -> None:
    planned = secateur.plan(recipe(tmp_path, build, target={"macs": 0.9}, criterion="magnitude"))
    assert planned["pruned"]["macs_per_audio_second"] <= 0.9 * planned["dense"]["macs_per_audio_second"] + 0.5
    assert planned["target"]["reached_absolute"] == pytest.approx(planned["pruned"]["macs_per_audio_second"], abs=0.5)


@each_family
def test_speech_is_as_long_as_it_lasts_whatever_a_model_hears(build: Callable[..., Path], tmp_path: Path) -> None:
    chosen = recipe_from(recipe(tmp_path, build))
    model, processor = load_recognizer(str(tmp_path / GIVEN)), load_processor(str(tmp_path / GIVEN))
    speech = training_speech(chosen, model, processor)
    seconds = [utterance.duration for utterance in read(tmp_path / "train.jsonl")]
    np.testing.assert_allclose(speech.sizes, seconds, atol=0.05)
    hearing = hearing_of(model)
    example = speech.dataset[0, 0].features
    assert example.ndim == (2 if hearing.mel_frames else 1)
    assert len(example) == round(hearing.per_second * speech.sizes[0])


@each_family
def test_labels_are_the_characters_of_the_text_alone(build: Callable[..., Path], tmp_path: Path) -> None:
    chosen = recipe_from(recipe(tmp_path, build))
    model, processor = load_recognizer(str(tmp_path / GIVEN)), load_processor(str(tmp_path / GIVEN))
    dataset = training_speech(chosen, model, processor, plain=True).dataset
    texts = [utterance.text for utterance in read(tmp_path / "train.jsonl")]
    spelled = [
        processor.tokenizer.decode(dataset[0, i].labels, group_tokens=False).strip() for i in range(len(dataset))
    ]
    assert spelled == texts
    assert model.config.pad_token_id not in {token for i in range(len(dataset)) for token in dataset[0, i].labels}


@pytest.mark.parametrize("name", ["wav2vec2_bert", "lasr"])
def test_a_text_does_not_hang_on_its_batch_where_padding_is_masked(name: str, tmp_path: Path) -> None:
    model = tiny.randomise(load_recognizer(str(recognizers.BUILD[name](tmp_path))), 0)
    assert hearing_of(model).masks_padding(model)
    width = 2 * tiny.MELS if name == "wav2vec2_bert" else tiny.MELS
    short, long = (torch.randn(1, frames, width, dtype=torch.float64) for frames in (31, 52))
    both = torch.zeros(2, 52, width, dtype=torch.float64)
    both[0, :31], both[1] = short[0], long[0]
    mask = torch.arange(52) < torch.tensor([31, 52])[:, None]
    with torch.no_grad():
        alone = model(short).logits[0]
        together = model(both, attention_mask=mask).logits[0, : len(alone)]
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("attention_mask", [True, False])
def test_an_extractor_without_masks_gives_the_same_speech(attention_mask: bool, tmp_path: Path) -> None:
    build = partial(recognizers.wav2vec2_conformer, attention_mask=attention_mask)
    chosen = recipe_from(recipe(tmp_path, build))
    model, processor = load_recognizer(str(tmp_path / GIVEN)), load_processor(str(tmp_path / GIVEN))
    first = read(tmp_path / "train.jsonl")[0]
    example = training_speech(chosen, model, processor, plain=True).dataset[0, 0].features
    expected = processor(load(first, RATE), sampling_rate=RATE)["input_values"]
    np.testing.assert_allclose(example, np.asarray(expected[0]), atol=1e-2)  # stored in half precision


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.spare])
def test_a_checkpoint_may_lack_what_only_blanks_frames_in_training(name: str, tmp_path: Path) -> None:
    folder = recognizers.BUILD[name](tmp_path)
    tensors = load_file(folder / "model.safetensors")
    (spare,) = [tensor for tensor in tensors if tensor.endswith(FAMILIES[name].spare)]
    save_file({name: tensor for name, tensor in tensors.items() if name != spare}, folder / "model.safetensors")
    assert load_recognizer(str(folder)).get_parameter(spare).isfinite().all()
