from pathlib import Path

import pytest

from secateur.errors import DataError
from secateur.report.html import environment, write


def test_what_stands_in_a_template_is_escaped() -> None:
    made = environment().from_string("{{ text }} {{ number | count }}")
    assert made.render(text="<b>", number=1234) == "&lt;b&gt; 1,234"


def test_a_page_is_whole_or_not_there(tmp_path: Path) -> None:
    write(tmp_path / "new" / "page.html", "one \ud800")
    assert (tmp_path / "new" / "page.html").read_text() == "one ?"
    with pytest.raises(DataError, match="must be a file that can be written"):
        write(tmp_path / "new", "two")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
