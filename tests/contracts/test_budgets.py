"""What a budget says that units save is what the really shrunk model lacks."""

from pathlib import Path

import pytest
import torch

import tiny
from secateur.allocation import Budget, expected_saved
from secateur.checkpoint import entry_bytes, file_bytes, save
from secateur.checkpoint.size import ALIGNMENT, LENGTH_FIELD
from secateur.evaluation import macs_per_unit, nonzero_parameters, parameters
from secateur.families import family_of, find_groups
from secateur.jobs.budget import budget_for
from secateur.masks import MaskState
from secateur.recipes import Target
from secateur.surgery import shrink

SETS = [*[(name,) for name in tiny.STRUCTURED], ("ffn_unit", "head", "conv_channel"), tiny.STRUCTURED]

each_model = pytest.mark.parametrize("make", tiny.RECOGNIZERS.values(), ids=tiny.RECOGNIZERS)
each_set = pytest.mark.parametrize("granularities", SETS, ids="+".join)
each_set_of_each_model = pytest.mark.parametrize(("make", "granularities"), tiny.pairs(SETS))


def cut(model, granularities, unit: str, *, seed: int = 0) -> tuple[Budget, float]:
    """Shrink a model by random masks; return its budget and the size that this predicts, of certain gates as well."""
    groups = find_groups(model, granularities)
    budget = budget_for(Target(**{unit: 0.9}), model, groups)
    masks = tiny.random_masks(groups, seed, share=0.4)
    predicted = budget.whole - tiny.saved_by(groups, budget.saved, masks)
    certain = {site: mask.double() for site, mask in masks.items()}
    assert budget.whole - float(expected_saved(groups, budget.saved, certain)) == pytest.approx(predicted, rel=1e-12)
    shrink(model, groups, masks, set_layers=family_of(model).set_layers)
    assert predicted < budget.whole
    return budget, predicted


@pytest.mark.parametrize("seed", range(2))
@each_set_of_each_model
def test_parameters_are_exact(make, granularities: tuple[str, ...], seed: int) -> None:
    model = make(layers=3)
    whole = parameters(model)
    budget, predicted = cut(model, granularities, "params", seed=seed)
    assert budget.whole == whole
    assert budget.kept == 0.9 * whole
    assert predicted == parameters(model)


COUNTED = {name: make for name, make in tiny.RECOGNIZERS.items() if name not in ("ctc_without_biases", "rnnt")}


@pytest.mark.parametrize(
    ("make", "granularities"),
    [
        *tiny.pairs(SETS, {name: make for name, make in COUNTED.items() if make in tiny.ONE_EACH.values()}),
        *tiny.pairs([tiny.STRUCTURED[:2], tiny.STRUCTURED[3:]], COUNTED),
    ],
)
def test_multiplications_are_exact(make, granularities: tuple[str, ...]) -> None:
    model = make(layers=3)
    whole = macs_per_unit(model)
    budget, predicted = cut(model, granularities, "macs")
    assert budget.whole == whole
    # Integers over ten seconds, summed as floats: exact up to their last digits.
    assert predicted == pytest.approx(macs_per_unit(model), rel=1e-12)


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (tiny.ctc, torch.float16),
        (tiny.ctc_without_biases, torch.float32),
        (tiny.rnnt, torch.float32),
        (tiny.wav2vec2_conformer, torch.float16),
        (tiny.lasr, torch.float32),
    ],
)
@each_set
def test_bytes_are_those_of_the_file_up_to_the_headers_digits(make, granularities, dtype, tmp_path: Path) -> None:
    """The header is text: smaller shapes and offsets take fewer digits, which no unit can claim for itself."""
    model = make(layers=3).to(dtype)
    lines, dense = entry_bytes(model), file_bytes(model)
    budget, predicted = cut(model, granularities, "bytes")
    save(model, None, tmp_path)
    written = (tmp_path / "model.safetensors").stat().st_size
    assert budget.whole == dense
    assert file_bytes(model) == written
    left = entry_bytes(model)
    digits = sum(lines[name] - left[name] for name in left if name in lines)
    counters = sum(name.endswith("num_batches_tracked") for name in lines.keys() - left.keys())
    counted = counters * (torch.int64.itemsize - dtype.itemsize)
    renamed = 8 * len(lines) if "layer" in granularities else 0
    assert predicted - written + ALIGNMENT >= 0
    assert predicted - written <= digits + counted + renamed + ALIGNMENT


@each_model
def test_the_tensors_of_the_file_are_exact_where_only_units_leave(make, tmp_path: Path) -> None:
    """What a model lacks of them is passed over."""
    model = make(layers=3).float()
    dense_header = file_bytes(model) - sum(tensor.nbytes for tensor in model.state_dict().values())
    _, predicted = cut(model, ("ffn_unit", "head", "conv_channel"), "bytes")
    save(model, None, tmp_path)
    content = (tmp_path / "model.safetensors").read_bytes()
    header = LENGTH_FIELD + int.from_bytes(content[:LENGTH_FIELD], "little")
    assert predicted - dense_header == len(content) - header


@pytest.mark.parametrize("granularity", tiny.ZEROED)
@pytest.mark.parametrize("unit", ["params", "sparsity"])
def test_zeros_in_place_are_counted_by_what_is_not_zero(unit: str, granularity: str) -> None:
    model = tiny.randomise(tiny.Plain(), 0)
    groups = find_groups(model, [granularity], block=(2, 2))
    budget = budget_for(Target(**{unit: 0.9 if unit == "params" else 0.1}), model, groups)
    masks = {g.name: torch.arange(g.units) % 3 > 0 for g in groups}
    saved = tiny.saved_by(groups, budget.saved, masks)
    before = nonzero_parameters(model)
    MaskState(model, groups).set(masks)
    weights = [model.get_parameter(group.slices[0].tensor) for group in groups]
    assert budget.whole == (before if unit == "params" else sum(weight.numel() for weight in weights))
    assert saved == before - nonzero_parameters(model)
