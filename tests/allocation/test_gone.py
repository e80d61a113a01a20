import numpy as np
import pytest
import torch

import tiny
from secateur.allocation import expected_saved, parameters_saved, saved_so_far, still_saved
from secateur.families import find_groups
from secateur.group import Group

GRANULARITIES = ["ffn_unit", "head", "conv_channel", "module", "layer"]


def made() -> tuple[list, dict[str, float], dict[str, torch.Tensor]]:
    model = tiny.ctc()
    groups = find_groups(model, GRANULARITIES)
    saved = parameters_saved(groups, {name: tensor.shape for name, tensor in model.named_parameters()})
    return groups, saved, {group.name: torch.ones(group.units, dtype=torch.bool) for group in groups}


def test_nothing_gone_saves_nothing_and_leaves_every_saving_as_it_was() -> None:
    groups, saved, masks = made()
    assert saved_so_far(groups, saved, masks) == 0.0
    assert still_saved(groups, saved, masks) == saved


def test_what_a_unit_took_is_missing_from_its_module_and_its_layer_and_nowhere_else() -> None:
    groups, saved, masks = made()
    unit = next(group for group in groups if group.granularity == "ffn_unit")
    masks[unit.name][:2] = False
    left = still_saved(groups, saved, masks)
    assert {site for site in left if left[site] != saved[site]} == set(unit.inside)
    assert all(saved[site] - left[site] == 2 * saved[unit.name] for site in unit.inside)


def test_what_is_inside_of_something_gone_counts_once() -> None:
    groups, saved, masks = made()
    module = next(group for group in groups if group.granularity == "module")
    masks[module.name][:] = False
    for group in groups:
        if module.name in group.inside:
            masks[group.name][:] = False
    layer = module.inside[0]
    assert saved_so_far(groups, saved, masks) == saved[module.name]
    assert saved[layer] - still_saved(groups, saved, masks)[layer] == saved[module.name]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_expected_of_certain_gates_is_what_their_masks_save(seed: int) -> None:
    groups, saved, _ = made()
    masks = tiny.random_masks(groups, seed)
    openness = {site: mask.double() for site, mask in masks.items()}
    assert float(expected_saved(groups, saved, openness)) == pytest.approx(saved_so_far(groups, saved, masks))


def test_what_is_expected_is_the_mean_over_draws_of_masks() -> None:
    groups, saved, _ = made()
    generator = torch.Generator().manual_seed(0)
    openness = {g.name: torch.rand(g.units, generator=generator, dtype=torch.float64) for g in groups}
    drawn = [
        saved_so_far(groups, saved, {site: torch.rand(len(p), generator=generator) < p for site, p in openness.items()})
        for _ in range(4000)
    ]
    mean, deviation = np.mean(drawn), np.std(drawn) / np.sqrt(len(drawn))
    assert float(expected_saved(groups, saved, openness)) == pytest.approx(mean, abs=5 * deviation)


@pytest.mark.parametrize(("gone", "expected"), [(0, 0.0), (2, 0.0), (3, 5.0), (6, 35.0)])
def test_units_that_are_free_save_nothing(gone: int, expected: float) -> None:
    group = Group(name="u", granularity="rank", module="m", units=6, slices=(), free=2.5)
    assert saved_so_far([group], {"u": 10.0}, {"u": torch.arange(6) >= gone}) == expected
