"""flashlight-text, which is an extra."""

from importlib import import_module
from typing import Any

from secateur.errors import MissingExtraError


def part(name: str, *, purpose: str) -> Any:
    """Import a part of it.

    Raises:
        MissingExtraError: It is not there; `purpose` says what for.
    """
    try:
        return import_module(f"flashlight.lib.text.{name}")
    except ImportError as error:
        raise MissingExtraError("flashlight-text", extra="decoding", purpose=purpose) from error
