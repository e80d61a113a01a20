import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import secateur
from speech import fields, recognizer, save_recognizer


def test_every_public_name_is_there() -> None:
    assert all(getattr(secateur, name) is not None for name in secateur.__all__)
    assert sorted(secateur.__all__) == secateur.__all__


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="module 'secateur' has no attribute 'prun'"):
        secateur.prun  # noqa: B018


def test_the_version_is_the_packages() -> None:
    assert secateur.__version__ == version("secateur")


def test_importing_it_is_what_opens_pruned_folders(tmp_path: Path) -> None:
    from secateur.checkpoint import save
    from secateur.families import family_of, find_groups
    from secateur.surgery import shrink

    import torch

    model = recognizer()
    groups = find_groups(model, ["head", "conv_channel", "module"])
    masks = {group.name: torch.arange(group.units) > 0 for group in groups if group.units > 1}
    masks["encoder.layers.1.feed_forward1:module"] = torch.zeros(1, dtype=torch.bool)
    shrink(model, groups, masks, set_layers=family_of(model).set_layers)
    save(model, None, tmp_path)
    code = (
        "import sys, secateur; assert 'torch' not in sys.modules, 'importing secateur is cheap'\n"
        "from transformers import AutoModelForCTC\n"
        f"model = AutoModelForCTC.from_pretrained({str(tmp_path)!r})\n"
        "print(sum(parameter.numel() for parameter in model.parameters()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == sum(parameter.numel() for parameter in model.parameters())
