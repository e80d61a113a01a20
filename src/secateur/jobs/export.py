"""`secateur export`: a model in another form."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

from secateur.checkpoint import file_bytes, save_packed
from secateur.checkpoint.pack import FILE
from secateur.errors import RequestError
from secateur.jobs import folder
from secateur.tasks.models import asked_as, load_model, load_processor, load_tokenizer, model_folder, reads_text

PACKED: Final = "packed"

VALUES: Final = {"fp32": "F32", "bf16": "BF16", "fp16": "F16", "int8": "I8"}
"""What the values of a packed file may become -> as safetensors calls it."""


def export(
    model: str,
    out: Path | str,
    *,
    to: str = PACKED,
    values: str | None = None,
    zstd: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write a model without its zeros, in a folder that ``from_pretrained`` opens; return its numbers.

    `values` is one of `VALUES`; without it, weights stay what they are, bit for bit. `zstd` makes the file smaller for
    transport, but it cannot be mapped.

    Raises:
        RequestError: There is no such form, or the folder cannot be written to.
        ModelError: The model cannot be loaded, or has weights that are not finite.
        MissingExtraError: `zstd` needs the extra ``packed``.
    """
    if to != PACKED:
        raise RequestError(f"`--to` must be {PACKED}, but is {to}, which is not built yet; take packed")
    if values is not None and values not in VALUES:
        raise RequestError(f"`--values` must be one of {', '.join(VALUES)}, but is {values!r:.40}")
    out = folder.claim(Path(out), resume=False, overwrite=overwrite)
    with asked_as("MODEL"):
        loaded = load_model(model)
        processor = (load_tokenizer if reads_text(model) else load_processor)(model)
    if out.resolve() == model_folder(model).resolve():
        raise RequestError(f"`--out` must not be the model itself, but is `{out}`; choose another name")
    saved = save_packed(loaded, processor, out, values=None if values is None else VALUES[values], compress=zstd)
    weights = sum(layout.numel for layout in saved.layouts)
    return {
        "file": str(out / FILE),
        "bytes": (out / FILE).stat().st_size,
        "bytes_before": file_bytes(loaded),
        "packed": dict(Counter(layout.encoding for layout in saved.layouts)),
        "packed_params": weights,
        "bits_per_weight": 8 * saved.nbytes / weights if weights else None,
    }
