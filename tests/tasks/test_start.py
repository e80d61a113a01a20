from pathlib import Path

import pytest
import torch

from secateur.errors import ModelError
from secateur.recipes import Architecture
from secateur.tasks.models import load_model, load_processor
from secateur.tasks.start import start_recognizer
from secateur.training import rnnt_loss
from speech import SHAPE, save_recognizer

TRANSDUCER = {"hidden_size": 12, "layers": 2}


def test_without_a_transducer_it_is_a_ctc_model() -> None:
    model, processor = start_recognizer(Architecture.model_validate(SHAPE))
    assert type(model).__name__ == "ParakeetForCTC"
    assert model.config.vocab_size == len(processor.tokenizer)


@pytest.mark.parametrize(("durations", "name"), [(None, "ParakeetForRNNT"), ([0, 1, 2], "ParakeetForTDT")])
def test_durations_make_it_a_token_and_duration_transducer(durations: list[int] | None, name: str) -> None:
    head = {**TRANSDUCER, "durations": durations}
    model, processor = start_recognizer(Architecture.model_validate({**SHAPE, "transducer": head}))
    assert type(model).__name__ == name
    assert (model.decoder.lstm.hidden_size, model.decoder.lstm.num_layers) == (12, 2)
    assert model.joint.head.out_features == len(processor.tokenizer) + len(durations or ())
    assert (model.loss_function is rnnt_loss) == (durations is None)


def test_a_student_from_scratch_writes_as_its_teacher_does(tmp_path: Path) -> None:
    save_recognizer(tmp_path / "teacher", seed=3)
    theirs = load_model(str(tmp_path / "teacher"))
    model, processor = start_recognizer(Architecture.model_validate(SHAPE), teacher=str(tmp_path / "teacher"))
    assert (model.config.vocab_size, model.config.pad_token_id) == (
        theirs.config.vocab_size,
        theirs.config.pad_token_id,
    )
    assert processor.tokenizer.get_vocab() == load_processor(str(tmp_path / "teacher")).tokenizer.get_vocab()


def test_the_encoder_of_another_recognizer_is_taken_as_it_is(tmp_path: Path) -> None:
    save_recognizer(tmp_path / "ctc", seed=3)
    wanted = {**SHAPE, "transducer": TRANSDUCER, "encoder": str(tmp_path / "ctc")}
    model, _ = start_recognizer(Architecture.model_validate(wanted))
    theirs = type(start_recognizer(Architecture.model_validate(SHAPE))[0]).from_pretrained(tmp_path / "ctc")
    for name, tensor in theirs.encoder.state_dict().items():
        assert torch.equal(model.encoder.state_dict()[name], tensor), name


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"architecture": {"encoder": "./none"}}, "`architecture.encoder` must be a folder .* `./none` does not exist"),
        ({"teacher": "./none"}, "`distill.teacher` must be a folder .* `./none` does not exist"),
    ],
)
def test_a_model_to_start_from_that_is_missing_is_named_by_its_field(options: dict, sentence: str) -> None:
    architecture = Architecture.model_validate({**SHAPE, **options.get("architecture", {})})
    with pytest.raises(ModelError, match=sentence):
        start_recognizer(architecture, teacher=options.get("teacher"))


def test_an_encoder_of_another_shape_is_refused(tmp_path: Path) -> None:
    save_recognizer(tmp_path / "ctc", layers=3)
    wanted = Architecture.model_validate({**SHAPE, "encoder": str(tmp_path / "ctc")})
    with pytest.raises(ModelError, match=r"must have the shape that `architecture` describes, but .* other tensors"):
        start_recognizer(wanted)
