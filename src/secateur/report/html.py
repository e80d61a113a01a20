"""How pages are made and written: everything is escaped, and a reader never sees half of one."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from secateur.errors import DataError
from secateur.report import formats
from secateur.whole_file import whole_file


def environment() -> Environment:
    """Return what fills the templates of this folder."""
    made = Environment(
        loader=PackageLoader("secateur", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = formats.count
    return made


def write(where: Path, page: str) -> None:
    """Write all or nothing. Half a surrogate pair, which UTF-8 cannot hold, becomes "?".

    Raises:
        DataError: The file cannot be written.
    """
    try:
        with whole_file(where) as part:
            part.write_bytes(page.encode(errors="replace"))
    except OSError as error:
        raise DataError(f"`out` must be a file that can be written, but {where} cannot: {error.strerror}") from error
