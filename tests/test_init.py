from importlib.metadata import version
from pathlib import Path

import pytest

import secateur


def test_every_public_name_is_there() -> None:
    assert all(getattr(secateur, name) is not None for name in secateur.__all__)
    assert sorted(secateur.__all__) == secateur.__all__


def test_no_module_takes_a_verbs_place() -> None:
    modules = {path.stem for path in Path(secateur.__file__).parent.iterdir()}
    assert not modules.intersection(secateur.__all__)


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="module 'secateur' has no attribute 'prun'"):
        secateur.prun  # noqa: B018


def test_the_version_is_the_packages() -> None:
    assert secateur.__version__ == version("secateur")
