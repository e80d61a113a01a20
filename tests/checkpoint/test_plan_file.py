import json
from pathlib import Path

import pytest
import torch

import tiny
from secateur.checkpoint import write_plan
from secateur.checkpoint.plan_file import masks_for, shapes
from secateur.errors import ModelError
from secateur.families import find_groups
from secateur.families.parakeet import PARAKEET
from secateur.families.wav2vec2_bert import WAV2VEC2_BERT

HEAD, UNITS = "encoder.layers.0.self_attn:head", "encoder.layers.0.feed_forward1:ffn_unit"
FRONT = "encoder.subsampling.layers.0:conv_channel"


def groups():
    return PARAKEET.groups(tiny.ctc(layers=1))


def test_the_plan_names_what_stays_of_every_site(tmp_path: Path) -> None:
    chosen = find_groups(tiny.ctc(layers=1), ["head", "module"], include=["*self_attn*"])
    masks = {HEAD: torch.tensor([True, False, True]), "encoder.layers.0.self_attn:module": torch.tensor([True])}
    write_plan(tmp_path / "plan.json", chosen, masks, family="parakeet")
    module = {"granularity": "module", "module": "encoder.layers.0.self_attn", "units": 1, "kept": [0]}
    assert json.loads((tmp_path / "plan.json").read_text()) == {
        "schema": 1,
        "family": "parakeet",
        "sites": [
            {"name": "encoder.layers.0.self_attn:module", **module},
            {"name": HEAD, **module, "granularity": "head", "units": 3, "kept": [0, 2]},
        ],
    }


def test_elements_are_counted_not_listed(tmp_path: Path) -> None:
    (group,) = find_groups(torch.nn.Linear(2, 3), ["element"])
    write_plan(tmp_path / "plan.json", [group], {group.name: torch.tensor([True] * 4 + [False] * 2)}, family="any")
    (site,) = json.loads((tmp_path / "plan.json").read_text())["sites"]
    assert site == {"name": "weight:element", "granularity": "element", "module": "", "units": 6, "kept_count": 4}


def test_so_are_blocks(tmp_path: Path) -> None:
    (group,) = find_groups(torch.nn.Linear(2, 4), ["block"], block=(2, 1))
    write_plan(tmp_path / "plan.json", [group], {group.name: torch.tensor([True, False, False, True])}, family="any")
    (site,) = json.loads((tmp_path / "plan.json").read_text())["sites"]
    assert site == {"name": "weight:block", "granularity": "block", "module": "", "units": 4, "kept_count": 2}


def test_a_site_without_a_mask_is_kept_whole(tmp_path: Path) -> None:
    write_plan(tmp_path / "plan.json", find_groups(tiny.ctc(layers=1), ["head"]), {}, family="parakeet")
    assert json.loads((tmp_path / "plan.json").read_text())["sites"][0]["kept"] == [0, 1, 2]


def test_shapes_are_the_units_of_the_sites_that_are_cut_from_tensors() -> None:
    assert shapes(groups()) == {
        UNITS: tiny.UNITS,
        "encoder.layers.0.feed_forward2:ffn_unit": tiny.UNITS,
        HEAD: tiny.HEADS,
        "encoder.layers.0.conv:conv_channel": tiny.WIDTH,
        FRONT: tiny.SUBSAMPLED,
    }


def test_a_site_in_no_branch_that_a_plan_does_not_name_is_whole() -> None:
    """Plans written before its family offered it are read as they were meant."""
    assert masks_for(groups(), {HEAD: 2, UNITS: tiny.UNITS})[FRONT].all()


def test_masks_keep_the_first_units_and_drop_the_branches_of_absent_sites() -> None:
    masks = masks_for(groups(), {HEAD: 2, UNITS: tiny.UNITS})
    assert masks[HEAD].tolist() == [True, True, False]
    assert masks[UNITS].all()
    lost = [site for site, mask in masks.items() if site.endswith(":module") and not mask.any()]
    assert sorted(lost) == ["encoder.layers.0.conv:module", "encoder.layers.0.feed_forward2:module"]
    assert "encoder.layers.0:layer" not in masks


def test_a_branch_that_holds_no_units_speaks_for_itself() -> None:
    found = WAV2VEC2_BERT.groups(tiny.wav2vec2_bert(layers=1))
    conv = "wav2vec2_bert.encoder.layers.0.conv_module:module"
    have = shapes(found)
    assert have[conv] == 1
    assert masks_for(found, have)[conv].tolist() == [True]
    assert masks_for(found, {site: units for site, units in have.items() if site != conv})[conv].tolist() == [False]


@pytest.mark.parametrize(
    ("wanted", "fragment"),
    [
        ({"encoder.layers.7.self_attn:head": 1}, "`encoder.layers.7.self_attn:head` is none"),
        ({HEAD: 0}, "1 to 3 units of `encoder.layers.0.self_attn:head`, but keeps 0"),
        ({HEAD: -2}, "keeps -2"),
        ({HEAD: 4}, "keeps 4"),
        ({HEAD: 10**30}, "keeps 1000"),
        ({HEAD: 2.0}, "keeps 2.0"),
        ({HEAD: "2"}, "keeps '2'"),
        ({HEAD: True}, "keeps True"),
        ({HEAD: None}, "keeps None"),
        ({HEAD: [2]}, "keeps [2]"),
        ({"encoder.layers.0.self_attn:module": 1}, "is none"),
    ],
)
def test_a_plan_that_does_not_fit_is_an_error(wanted, fragment: str) -> None:
    with pytest.raises(ModelError) as caught:
        masks_for(groups(), wanted)
    assert fragment in str(caught.value)
