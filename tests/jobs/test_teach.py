from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from secateur.errors import ModelError, RecipeError
from secateur.jobs.teach import layer_names, teach, teach_from
from secateur.recipes import Distill, recipe_from
from secateur.training import character_processor, parakeet_ctc
from speech import MELS, SHAPE, fields, processor, recognizer, save_recognizer

BATCH = {
    "input_features": torch.randn(2, 40, MELS, generator=torch.Generator().manual_seed(0)),
    "attention_mask": torch.arange(40) < torch.tensor([40, 30])[:, None],
    "labels": torch.tensor([[3, 4], [5, -100]]),
}


def asked(folder: Path, **distill: Any) -> Any:
    return recipe_from(fields(folder, distill=distill, train={"max_steps": 1}))


def save(folder: Path, **shape: Any) -> str:
    return str(save_recognizer(folder, **shape))


def test_without_a_lesson_there_is_no_teacher(tmp_path: Path) -> None:
    assert teach(recipe_from(fields(tmp_path)), recognizer(), processor()) is None


def test_layers_are_named_in_order() -> None:
    assert layer_names(tiny.ctc(layers=3)) == [f"encoder.layers.{i}" for i in range(3)]


@pytest.mark.parametrize("matching", ["matched", "fixed"])
def test_the_dense_model_teaches_unless_another_is_named(matching: str, tmp_path: Path) -> None:
    student = recognizer(dropout=0.0)
    distillation = teach(asked(tmp_path, layers=matching, taps=2, logits=1.0), student, processor())
    assert distillation is not None
    for norm in (module for module in student.train().modules() if isinstance(module, torch.nn.BatchNorm1d)):
        norm.eval()  # the student is the dense model: what remains is what training mode changes
    student(**BATCH)
    parts = distillation.numbers()
    assert parts["loss_layers"] == pytest.approx(0.0, abs=1e-9)
    assert parts["loss_logits"] == pytest.approx(0.0, abs=1e-6)


def test_another_teacher_is_another_model(tmp_path: Path) -> None:
    student = recognizer(dropout=0.0)
    teacher = save(tmp_path / "teacher", seed=5, layers=4)
    distillation = teach(asked(tmp_path, layers="matched", taps=(1, 3), teacher=teacher), student, processor())
    assert distillation is not None
    student.train()(**BATCH)
    assert distillation.numbers()["loss_layers"] > 0.01


WRONG = [
    ({"layers": "fixed", "taps": 3}, {}, RecipeError, "at most the teacher's layers, but is 3 .* did you mean 2?"),
    ({"layers": "fixed", "taps": (0, 2)}, {}, RecipeError, "0 to 1 of .*, but names 2; layers are counted from 0"),
    ({"layers": "fixed", "taps": 1}, {"hidden_size": 8}, ModelError, "of one width, but .* has 8 where the .* 16"),
    ({"logits": 1.0}, {"subsampling_factor": 2}, ModelError, "the student's frame rate, but .* makes 100 frames"),
    ({"logits": 1.0}, {"mel_bins": 8}, ModelError, "the features that the student takes"),
]


@pytest.mark.parametrize(("distill", "shape", "error", "sentence"), WRONG)
def test_a_teacher_that_does_not_go_with_the_student_is_refused(
    distill: dict[str, Any], shape: dict[str, Any], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    teacher = save(tmp_path / "teacher", **shape)
    with pytest.raises(error, match=sentence):
        teach(asked(tmp_path, **distill, teacher=teacher), recognizer(), processor())


@pytest.mark.parametrize("distill", [{"logits": 1.0}, {"layers": "fixed", "taps": 1}])
def test_a_teacher_that_is_missing_is_named_by_its_field(distill: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"^`distill.teacher` must be a folder .* does not exist"):
        teach(asked(tmp_path, teacher=str(tmp_path / "none"), **distill), recognizer(), processor())


def test_a_teacher_of_other_tokens_is_refused_where_outputs_are_compared(tmp_path: Path) -> None:
    other = character_processor(mel_bins=MELS)
    vocabulary = other.tokenizer.get_vocab()
    other.tokenizer.add_tokens(["é"])
    model = parakeet_ctc(**SHAPE, dropout=0.0, vocab_size=len(vocabulary) + 1)
    model.save_pretrained(tmp_path / "teacher")
    other.save_pretrained(tmp_path / "teacher")
    teacher = str(tmp_path / "teacher")
    with pytest.raises(ModelError, match=r"the same tokens as the student, but .* differs \('é'"):
        teach(asked(tmp_path, logits=1.0, teacher=teacher), recognizer(), processor())
    assert teach(asked(tmp_path, layers="fixed", taps=2, teacher=teacher), recognizer(), processor()) is not None


def test_looking_at_the_teacher_leaves_the_student_as_it_was(tmp_path: Path) -> None:
    student = recognizer().train()
    before = {name: tensor.clone() for name, tensor in student.state_dict().items()}
    teach(asked(tmp_path, logits=1.0), student, processor())
    assert student.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in student.state_dict().items())


def test_hidden_states_in_front_of_an_adapter_are_not_compared() -> None:
    student, teacher = (tiny.wav2vec2_bert_with_adapter().float() for _ in range(2))
    with pytest.raises(ModelError, match="an adapter lies in between; leave it out"):
        teach_from(teacher, student, Distill(layers="fixed", taps=1), name="t")
    teach_from(teacher, student, Distill(logits=1.0), name="t")
