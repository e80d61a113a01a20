import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.utils.hub import cached_file

import tiny
from secateur.errors import ModelError
from secateur.tasks.models import asked_as, load_model, load_processor, load_recognizer, load_tokenizer, model_folder
from speech import recognizer, save_recognizer


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_recognizer(tmp_path_factory.mktemp("models") / "dense")


def test_a_model_loads_with_its_weights_in_eval_mode(dense: Path) -> None:
    model = load_recognizer(str(dense))
    expected = recognizer().state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in model.state_dict().items())
    assert not model.training
    assert load_processor(str(dense)).tokenizer("yes")["input_ids"]


def test_a_model_keeps_its_precision(tmp_path: Path) -> None:
    recognizer().half().save_pretrained(tmp_path)
    assert load_model(str(tmp_path)).dtype == torch.float16


@pytest.mark.parametrize(
    ("file", "kind", "load"),
    [
        ("config.json", "AutoConfig", load_model),
        ("tokenizer_config.json", "AutoTokenizer", load_tokenizer),
        ("processor_config.json", "AutoProcessor", load_processor),
    ],
)
def test_code_in_a_folder_is_neither_run_nor_asked_about(
    file: str, kind: str, load: Callable[[str], Any], dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(dense, tmp_path, dirs_exist_ok=True)
    (tmp_path / "theirs.py").write_text("open('ran', 'w')\n")
    fields = json.loads((tmp_path / file).read_text()) if (tmp_path / file).exists() else {}
    for own in ("model_type", "tokenizer_class", "processor_class"):
        fields.pop(own, None)
    (tmp_path / file).write_text(json.dumps({**fields, "model_type": "theirs", "auto_map": {kind: "theirs.Theirs"}}))
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked"))
    monkeypatch.chdir(tmp_path)
    with suppress(ModelError):  # some find a class of the library's own
        load(str(tmp_path))
    assert not (tmp_path / "ran").exists()


def edited(**changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        config["encoder_config"] |= changes
        (folder / "config.json").write_text(json.dumps(config))

    return edit


def planned(plan: dict[str, Any]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "quantization_config": plan}))

    return edit


def without(*names: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return remove


def written(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def cut(size: int) -> Callable[[Path], None]:
    def truncate(folder: Path) -> None:
        content = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(content[:size])

    return truncate


PROCESSOR_FILES = ("tokenizer.json", "tokenizer_config.json", "processor_config.json")

BROKEN_MODELS = [
    (without("config.json"), "has no `config.json`"),
    (written("config.json", "{"), "not a valid JSON file"),
    (written("config.json", "[]"), "Unrecognized model"),
    (written("config.json", "{}"), "Unrecognized model"),
    (without("model.safetensors"), "no file named model.safetensors"),
    (cut(1000), "invalid header length"),
    (cut(30_000), "file not fully covered"),
    (edited(hidden_size=32), "must be a recognizer or language model that `transformers` loads"),
    (edited(hidden_size="x"), "hidden_size"),
    (edited(num_attention_heads=0), "must be a recognizer or language model that `transformers` loads"),
    (edited(num_hidden_layers=3), "must bring all of its weights, but"),
    (planned({"quant_method": "secateur"}), "must have schema 1"),
    (planned({"quant_method": "secateur", "plan": {"schema": 99, "units": {}}}), "schema"),
]


@pytest.mark.parametrize(("spoil", "fragment"), BROKEN_MODELS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_broken_model_folder_is_a_sentence(spoil, fragment: str, dense: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(dense, tmp_path / "m"))
    spoil(folder)
    with pytest.raises(ModelError) as caught:
        load_model(str(folder))
    message = str(caught.value)
    assert fragment in message
    assert "\n" not in message
    assert len(message) < 700


BROKEN_PROCESSORS = [
    (without("tokenizer.json"), "must come with its processor"),
    (without(*PROCESSOR_FILES), "save it there with `processor.save_pretrained`"),
    (written("processor_config.json", "{"), "not a valid JSON file"),
    (written("tokenizer.json", "{}"), "must come with its processor"),
    (without("config.json"), "has no `config.json`"),
]


@pytest.mark.parametrize(("spoil", "fragment"), BROKEN_PROCESSORS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_folder_without_its_processor_is_a_sentence(spoil, fragment: str, dense: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(dense, tmp_path / "m"))
    spoil(folder)
    with pytest.raises(ModelError) as caught:
        load_processor(str(folder))
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tokenizer_alone_is_no_processor(dense: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(dense, tmp_path / "m"))
    load_processor(str(dense)).feature_extractor.save_pretrained(folder)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    (folder / "processor_config.json").unlink()
    with pytest.raises(ModelError, match=r"must come with"):
        load_processor(str(folder))


NAMES = [
    ("nobody/nothing-here", "couldn't connect to"),
    ("nothing", "couldn't connect to"),
    ("foo bar!", "must use alphanumeric chars"),
    ("a/b/c", "does not exist"),
    ("./x", "does not exist"),
    ("~/nothing-here", "does not exist"),
    ("/nothing-here", "does not exist"),
]


@pytest.mark.parametrize(("name", "fragment"), NAMES)
@pytest.mark.parametrize("load", [load_model, load_processor])
def test_a_name_that_is_no_model_is_a_sentence(load, name: str, fragment: str) -> None:
    with pytest.raises(ModelError) as caught:
        load(name)
    assert fragment in str(caught.value)
    assert f"`{name}`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_errors_name_the_option_that_a_model_was_asked_as() -> None:
    with pytest.raises(ModelError, match=r"^`--lm` must be a folder .*, but `a/b/c` does not"), asked_as("--lm"):
        load_model("a/b/c")
    with pytest.raises(ModelError, match=r"^the tokenizer of `model` is odd$"), asked_as("--lm"):
        raise ModelError("the tokenizer of `model` is odd")


def test_a_file_is_no_model_folder(dense: Path) -> None:
    with pytest.raises(ModelError, match="is a file; check the path"):
        load_model(str(dense / "config.json"))


@pytest.mark.parametrize("name", ["rnnt", "tdt"])
def test_a_transducer_loads_as_what_it_is(name: str, tmp_path: Path) -> None:
    model = tiny.MODELS[name]()
    model.save_pretrained(tmp_path)
    assert type(load_recognizer(str(tmp_path))) is type(model)


def test_a_recognizer_that_is_neither_ctc_nor_a_transducer_is_refused(tmp_path: Path) -> None:
    tiny.MODELS["gpt2"]().save_pretrained(tmp_path)
    with pytest.raises(
        ModelError,
        match=r"must be a recognizer of a known family \(parakeet, .*\), CTC or a transducer, but .* is a GPT2",
    ):
        load_recognizer(str(tmp_path))


def hub_cache(folder: Path, dense: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay a model out as the Hub's cache does."""
    snapshot = folder / "models--someone--something" / "snapshots" / "0123456789abcdef"
    shutil.copytree(dense, snapshot)
    refs = folder / "models--someone--something" / "refs"
    refs.mkdir()
    (refs / "main").write_text(snapshot.name)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(folder))
    return snapshot


def test_the_folder_of_a_hub_id_is_in_the_librarys_cache(
    dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = hub_cache(tmp_path, dense, monkeypatch)
    assert cached_file("someone/something", "config.json")
    assert load_recognizer("someone/something").config.vocab_size == recognizer().config.vocab_size
    assert model_folder("someone/something") == snapshot


def test_the_folder_of_a_folder_is_itself(dense: Path) -> None:
    assert model_folder(str(dense)) == dense
