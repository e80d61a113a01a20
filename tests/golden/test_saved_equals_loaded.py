"""What is saved is what another process loads, bit for bit, and what it loads is a model like any other."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCTC, Trainer, TrainingArguments

import tiny
from secateur.checkpoint import save
from secateur.errors import ModelError
from secateur.families import family_of, find_groups
from secateur.surgery import shrink

STAGES = ["loaded", "saved again", "half", "saved half", "double"]
"""What the other process does with each model, in the order it does it."""

PROCESS = """
import json, sys
import torch
from pathlib import Path
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForCTC, AutoModelForRNNT, AutoModelForTDT

root, threads, names = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
torch.set_num_threads(threads)
inputs = {name: load_file(root / f"{name}.safetensors") for name in ("input_features", "input_values", "input_ids")}
kinds = {"RNNT": AutoModelForRNNT, "TDT": AutoModelForTDT, "CTC": AutoModelForCTC}

def output(model):
    for module in model.modules():
        if hasattr(module, "cached_sequence_length"):
            module.cached_sequence_length = None  # the library keeps rotations through a change of precision
    given = dict(inputs[model.main_input_name])
    name = model.main_input_name
    given[name] = given[name] if name == "input_ids" else given[name].to(model.dtype)
    transducer = type(model).__name__.endswith(("RNNT", "TDT"))
    with torch.no_grad():
        heard = model.encoder(**given) if transducer else model(**given)
    return (heard.last_hidden_state if transducer else heard.logits).contiguous()

def load(folder):
    kind = json.loads((folder / "config.json").read_text())["architectures"][0]
    return kinds.get(kind.rpartition("For")[2], AutoModelForCausalLM).from_pretrained(folder)

def outputs(name):
    folder = root / name
    model = load(folder)
    yield output(model)
    model.save_pretrained(folder / "again")
    yield output(load(folder / "again"))
    yield output(model.half())
    model.save_pretrained(folder / "half")
    yield output(load(folder / "half"))
    yield output(load(folder).to(torch.float64))

found = {name: list(outputs(name)) for name in names["plain"]}
assert "secateur" not in sys.modules
import secateur
found |= {name: list(outputs(name)) for name in names["planned"]}
save_file({f"{name}/{i}": t for name, many in found.items() for i, t in enumerate(many)}, root / "found.safetensors")
"""
"""What a user's own process does, first without secateur, then with it."""


def pruned(model: Any, masks: Callable[[list], dict[str, Tensor]]) -> Any:
    groups = find_groups(model, tiny.STRUCTURED)
    shrink(model, groups, masks(groups), set_layers=family_of(model).set_layers)
    return model


def at_random(seed: int, share: float = 0.3) -> Callable[[list], dict[str, Tensor]]:
    return lambda groups: tiny.random_masks(groups, seed, share=share)


def of(granularity: str, keep: int) -> Callable[[list], dict[str, Tensor]]:
    return lambda groups: {g.name: torch.arange(g.units) < keep for g in groups if g.granularity == granularity}


def without(*ends: str) -> Callable[[list], dict[str, Tensor]]:
    return lambda groups: {g.name: torch.tensor([False]) for g in groups if g.name.endswith(ends)}


def front(*places: int) -> Callable[[list], dict[str, Tensor]]:
    """Two channels stay at these places of the front end."""

    def masks(groups: list) -> dict[str, Tensor]:
        sites = [group for group in groups if group.also]
        return {sites[i].name: torch.arange(sites[i].units) < 2 for i in places}

    return masks


def dense(name: str, seed: int = 0) -> Any:
    return tiny.randomise(tiny.MODELS[name](layers=3), seed).float()


def twice_pruned(folder: Path) -> Any:
    save(pruned(dense("ctc"), at_random(4, 0.2)), None, folder)
    return pruned(AutoModelForCTC.from_pretrained(folder), at_random(5, 0.2))


PLANNED: dict[str, Callable[[Path], Any]] = {
    **{name: lambda _, name=name: pruned(dense(name), at_random(1)) for name in tiny.MODELS},
    "pruned twice": twice_pruned,
    "one head everywhere": lambda _: pruned(dense("ctc"), of("head", 1)),
    "no module": lambda _: pruned(dense("ctc"), of("module", 0)),
    "no layer": lambda _: pruned(dense("ctc"), of("layer", 0)),
    "no convolution": lambda _: pruned(dense("bert"), without("conv_module:module")),
    "no positions": lambda _: pruned(dense("conformer"), without("pos_conv_embed:module")),
    "narrow between": lambda _: pruned(dense("lasr"), front(0)),
}

PLAIN: dict[str, Callable[[Path], Any]] = {
    "narrow": lambda _: pruned(dense("ctc"), of("ffn_unit", 4)),
    "narrow transducer": lambda _: pruned(dense("tdt"), of("ffn_unit", 4)),
    "one layer less": lambda _: pruned(dense("ctc"), lambda _: {"encoder.layers.1:layer": torch.tensor([False])}),
    "narrow conformer": lambda _: pruned(dense("conformer"), of("ffn_unit", 3)),
    "narrow front end": lambda _: pruned(dense("conformer"), front(0, 1)),
    "narrow bert": lambda _: pruned(dense("bert_with_adapter"), of("ffn_unit", 3)),
    "narrow lasr": lambda _: pruned(dense("lasr"), of("ffn_unit", 3)),
    "narrow subsampling": lambda _: pruned(dense("lasr"), front(1)),
    **{
        f"narrow {name}": lambda _, name=name: pruned(dense(name), of("ffn_unit", 3))
        for name in ("gpt2", "opt", "llama")
    },
    "one layer less in gpt2": lambda _: pruned(dense("gpt2"), without("transformer.h.1:layer")),
    **{
        f"{name} with one layer less": lambda _, name=name: pruned(dense(name), without("encoder.layers.1:layer"))
        for name in ("conformer", "bert", "lasr")
    },
}


class Loaded:
    """Models saved here, and what another process computed with them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        save_file(tiny.batch(dtype=torch.float32), root / "input_features.safetensors")
        save_file(tiny.samples(dtype=torch.float32), root / "input_values.safetensors")
        save_file(tiny.tokens(), root / "input_ids.safetensors")
        self.models = {name: build(root / f"before {name}") for name, build in (PLAIN | PLANNED).items()}
        for name, model in self.models.items():
            save(model, None, root / name)
        names = json.dumps({"plain": [*PLAIN], "planned": [*PLANNED]})
        command = [sys.executable, "-W", "error", "-c", PROCESS, str(root), str(torch.get_num_threads()), names]
        done = subprocess.run(
            command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        self.found = load_file(root / "found.safetensors")

    def config(self, name: str) -> dict[str, Any]:
        return json.loads((self.root / name / "config.json").read_text())


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return Loaded(tmp_path_factory.mktemp("loaded"))


def expected(model: Any, stage: str) -> Tensor:
    model = copy.deepcopy(model)
    computed = [(module, module.inv_freq) for module in model.modules() if hasattr(module, "inv_freq")]
    model.to({"half": torch.float16, "saved half": torch.float16, "double": torch.float64}.get(stage, torch.float32))
    if stage == "saved half":
        for module, frequencies in computed:
            # Whoever loads keeps it in float32; where it is not in the file, computes it anew.
            lost = "inv_freq" in module._non_persistent_buffers_set
            module.inv_freq = frequencies if lost else module.inv_freq.float()
    name = model.main_input_name
    if name == "input_ids":
        return tiny.output(model, tiny.tokens())
    inputs = (tiny.samples if name == "input_values" else tiny.batch)(dtype=torch.float32)
    return tiny.output(model, {**inputs, name: inputs[name].to(model.dtype)})


def same_bits(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.numpy().tobytes() == other.numpy().tobytes()


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", PLANNED | PLAIN)
def test_another_process_computes_the_same_bits(loaded: Loaded, name: str, stage: str) -> None:
    assert same_bits(loaded.found[f"{name}/{STAGES.index(stage)}"], expected(loaded.models[name], stage))


@pytest.mark.parametrize("name", PLAIN)
def test_a_model_of_uniform_width_is_written_without_a_plan(loaded: Loaded, name: str) -> None:
    """The other process has loaded it before it imported secateur."""
    assert "quantization_config" not in loaded.config(name)


@pytest.mark.parametrize("name", PLANNED)
def test_the_plan_is_saved_again_with_the_model(loaded: Loaded, name: str) -> None:
    first, again, half = (loaded.config(f"{name}{sub}")["quantization_config"] for sub in ("", "/again", "/half"))
    assert first == again == half


def test_a_loaded_model_does_not_count_as_quantized(loaded: Loaded) -> None:
    model = AutoModelForCTC.from_pretrained(loaded.root / "ctc")
    assert not getattr(model, "is_quantized", False)
    assert model.hf_quantizer is None
    assert all(tensor.requires_grad for tensor in model.parameters())


def test_the_trainer_accepts_and_trains_a_loaded_model(loaded: Loaded, tmp_path: Path) -> None:
    model = AutoModelForCTC.from_pretrained(loaded.root / "ctc")
    before = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    batch = tiny.labelled(dtype=torch.float32)
    examples = [{name: tensor[i] for name, tensor in batch.items()} for i in range(2)]
    arguments = TrainingArguments(
        str(tmp_path), max_steps=1, use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True
    )
    Trainer(model=model, args=arguments, train_dataset=examples).train()
    assert any(not torch.equal(before[name], tensor) for name, tensor in model.named_parameters())


def units(**changed: Any) -> Callable[[dict], Any]:
    return lambda plan: {**plan, "units": {**plan["units"], **changed}}


HEAD = "encoder.layers.0.self_attn:head"


@pytest.mark.parametrize(
    ("garble", "fragment"),
    [
        (lambda plan: {**plan, "schema": 2}, "has schema 2"),
        (lambda plan: {name: plan[name] for name in ("family", "units")}, "has schema None"),
        (lambda plan: {name: plan[name] for name in ("family", "schema")}, "a mapping for `units`"),
        (lambda plan: {**plan, "units": [1, 2]}, "a mapping for `units`"),
        (lambda plan: {**plan, "family": "whisper"}, "a known family"),
        (lambda plan: {**plan, "family": {"a": 1}}, "a known family"),
        (units(**{"encoder.layers.9.self_attn:head": 1}), "is none"),
        (units(**{HEAD: 0}), "but keeps 0"),
        (units(**{HEAD: -1}), "but keeps -1"),
        (units(**{HEAD: 10**12}), "but keeps 1000000000000"),
        (units(**{HEAD: 1.5}), "but keeps 1.5"),
        (units(**{HEAD: "all"}), "but keeps 'all'"),
        (units(**{HEAD: None}), "but keeps None"),
    ],
)
def test_a_garbled_plan_is_a_sentence_not_a_traceback_from_inside(
    loaded: Loaded, tmp_path: Path, garble: Callable[[dict], Any], fragment: str
) -> None:
    garbled(loaded, tmp_path, garble)
    with pytest.raises(ModelError) as caught:
        AutoModelForCTC.from_pretrained(tmp_path)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("plan", [None, [], "plan", 7])
def test_a_plan_that_is_no_mapping_is_a_sentence(loaded: Loaded, tmp_path: Path, plan: Any) -> None:
    garbled(loaded, tmp_path, lambda _: plan)
    with pytest.raises(ModelError, match="must have schema 1"):
        AutoModelForCTC.from_pretrained(tmp_path)


def garbled(loaded: Loaded, folder: Path, garble: Callable[[dict], Any]) -> None:
    """Write a pruned model whose plan is what `garble` makes of it."""
    config = loaded.config("one head everywhere")
    plan = config["quantization_config"]["plan"]
    config["quantization_config"]["plan"] = garble(plan)
    (folder / "config.json").write_text(json.dumps(config))
    weights = loaded.root / "one head everywhere" / "model.safetensors"
    (folder / "model.safetensors").write_bytes(weights.read_bytes())
