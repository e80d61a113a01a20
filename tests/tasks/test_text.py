import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secateur.errors import DataError, ModelError, WorkError
from secateur.evaluation import surprise
from secateur.evaluation.perplexity import Surprise
from secateur.recipes import recipe_from
from secateur.tasks import SPEECH, TEXT, task_for, task_of
from secateur.tasks.surprised import Surprised
from speech import save_recognizer
from texts import ARCHITECTURE, SENTENCES, language_model, save_language_model, text_fields, tokenizer, write_text


def test_a_model_or_an_architecture_tells_what_it_is_for(tmp_path: Path) -> None:
    lm, recognizer = save_language_model(tmp_path / "lm"), save_recognizer(tmp_path / "recognizer")
    assert (task_of(str(lm)), task_of(str(recognizer))) == (TEXT, SPEECH)
    with pytest.raises(ModelError, match="does not exist"):
        task_of(str(tmp_path / "none"))
    assert task_for(recipe_from({"architecture": {"family": "llama"}})) is TEXT
    assert task_for(recipe_from({"architecture": {}})) is SPEECH
    assert task_for(recipe_from({"model": str(lm)})) is TEXT


def test_every_sentence_is_trained_on_with_its_ends(tmp_path: Path) -> None:
    recipe = recipe_from(text_fields(tmp_path))
    training = TEXT.training(recipe, language_model(), tokenizer())
    rows = [training.dataset[0, i] for i in range(len(training.sizes))]
    assert [tokenizer().decode(row[1:-1]).strip() for row in rows] == list(SENTENCES * 4)
    assert {(row[0], row[-1]) for row in rows} == {(tokenizer().bos_token_id, tokenizer().eos_token_id)}
    assert training.sizes.tolist() == [len(row) for row in rows]
    assert training.batch_size == 120


@pytest.mark.parametrize(("most", "reads"), [(10, 40), (256, 10)])
def test_what_is_too_long_for_the_recipe_or_the_model_is_said_and_left_out(
    most: int, reads: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = recipe_from(text_fields(tmp_path, max_tokens=most))
    with caplog.at_level(logging.WARNING):
        training = TEXT.training(recipe, language_model(max_tokens=reads), tokenizer())
    left = 32 - len(training.sizes)
    assert 0 < left < 32
    assert max(training.sizes) <= 10
    assert f"{left} of 32 sentences are longer than 10 tokens and are skipped" in caplog.text


def test_nothing_short_enough_is_an_error(tmp_path: Path) -> None:
    recipe = recipe_from(text_fields(tmp_path, max_tokens=2))
    with pytest.raises(DataError, match="must hold sentences of at most 2 tokens, but all 32 are longer"):
        TEXT.training(recipe, language_model(), tokenizer())


def test_the_tokenizer_is_learnt_from_all_training_texts(tmp_path: Path) -> None:
    fields = text_fields(tmp_path, architecture=ARCHITECTURE)
    fields["data"]["train"] = [fields["data"]["train"], str(write_text(tmp_path / "more.txt", ("xyzzy xyzzy",) * 9))]
    model, made = TEXT.start(recipe_from(fields))
    assert len(made("xyzzy", add_special_tokens=False)["input_ids"]) == 1
    assert model.config.vocab_size == len(made)


def test_validation_is_the_mean_of_the_sets_perplexities(tmp_path: Path) -> None:
    one, two = (
        str(write_text(tmp_path / name, texts)) for name, texts in {"a": SENTENCES[:3], "b": SENTENCES[3:]}.items()
    )
    model = language_model()
    sets = TEXT.read({"a": (one,), "b": (two,), "both": (one, two)}, model, tokenizer())
    found = TEXT.validate(model, tokenizer(), sets)
    expected = {s.name: surprise(model, tokenizer(), s.sentences).per_word for s in sets}
    assert {name: found[f"perplexity_{name}"] for name in expected} == pytest.approx(expected)
    assert found["perplexity"] == pytest.approx(sum(expected.values()) / 3)


WRONG: list[tuple[Any, str]] = [
    (lambda folder: save_recognizer(folder), "must be a language model of a known family .gpt2, opt, llama., but"),
    (lambda folder: folder.mkdir(), "has no `config.json`"),
    (lambda folder: language_model().save_pretrained(folder), "must come with its tokenizer, but"),
]


@pytest.mark.parametrize(("make", "fragment"), WRONG, ids=["recognizer", "empty", "no tokenizer"])
def test_what_is_no_language_model_is_a_sentence(make: Any, fragment: str, tmp_path: Path) -> None:
    make(tmp_path / "m")
    with pytest.raises(ModelError, match=fragment):
        _ = TEXT.load(str(tmp_path / "m")), TEXT.load_processor(str(tmp_path / "m"))


def test_a_model_that_only_another_tokenizer_fits_is_said_to_guess(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    texts = {"rated": (str(write_text(tmp_path / "text.txt")),)}
    model = language_model()
    for weight, said in ((0.0, 0), (1.0, 1)):  # the first finds all tokens alike, the second is sure of the wrong ones
        model.transformer.wte.weight.data.normal_().mul_(weight)
        with caplog.at_level(logging.WARNING):
            TEXT.judge(model, tokenizer(), TEXT.read(texts, model, tokenizer()))
        assert caplog.text.count("on `rated`, far above 300, that of guessing") == said


def test_a_perplexity_beyond_all_numbers_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = TEXT.read({"held-out": (str(write_text(tmp_path / "test.txt")),)}, language_model(), tokenizer())
    far = Surprised({"held-out": Surprise(*(np.array([n]) for n in (9000.0, 1.0, 5, 5)), unknown=0)})
    monkeypatch.setattr("secateur.tasks.text.read_aloud", lambda *_: far)
    with pytest.raises(WorkError, match="`held-out` must be a finite number, but is too large for one"):
        TEXT.judge(language_model(), tokenizer(), sets)


def test_a_model_that_predicts_nothing_is_told(tmp_path: Path) -> None:
    model = language_model()
    model.get_input_embeddings().weight.data[:] = float("nan")
    sets = TEXT.read({"held-out": (str(write_text(tmp_path / "test.txt")),)}, model, tokenizer())
    with pytest.raises(WorkError, match="`held-out` must be a finite number, but is none for 8 of 8 sentences"):
        TEXT.judge(model, tokenizer(), sets)
