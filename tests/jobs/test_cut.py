import json
from pathlib import Path

import torch

from secateur.families import find_groups
from secateur.jobs.budget import budget_for
from secateur.jobs.cut import cut_out
from secateur.recipes import Target
from speech import recognizer


def test_what_is_masked_leaves_and_the_plan_says_what(tmp_path: Path) -> None:
    model = recognizer()
    before = sum(parameter.numel() for parameter in model.parameters())
    groups = find_groups(model, ["ffn_unit"])
    masks = {group.name: torch.arange(group.units) % 2 == 0 for group in groups}
    target = cut_out(model, groups, masks, budget_for(Target(params=0.9), model, groups), out=tmp_path)
    after = sum(parameter.numel() for parameter in model.parameters())
    assert after < before
    assert target["reached_absolute"] == after
    assert target["dense_absolute"] == before
    sites = json.loads((tmp_path / "plan.json").read_text())["sites"]
    assert {site["name"]: site["kept"] for site in sites} == {
        group.name: list(range(0, group.units, 2)) for group in groups
    }
