import sys
from importlib import import_module

import pytest

from secateur.errors import MissingExtraError

PURPOSES = {"beam": "beam search runs", "fusion": "beam search runs", "ngram": "n-grams are read"}


@pytest.mark.parametrize("name", PURPOSES)
def test_without_the_extra_the_message_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in PURPOSES:
        monkeypatch.delitem(sys.modules, f"secateur.decoding.{user}", raising=False)
    for part in ("decoder", "dictionary"):
        monkeypatch.setitem(sys.modules, f"flashlight.lib.text.{part}", None)
    expected = rf"{PURPOSES[name]} with `flashlight-text`, which .* run `pip install 'secateur\[decoding\]'`"
    with pytest.raises(MissingExtraError, match=expected):
        import_module(f"secateur.decoding.{name}")


def test_greedy_decoding_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flashlight", None)
    monkeypatch.delitem(sys.modules, "secateur.decoding")
    assert callable(import_module("secateur.decoding").transcribe)
