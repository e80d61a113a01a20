from pathlib import Path
from typing import Any

import pytest

from secateur.jobs.prune import prune
from secateur.recipes import recipe_from
from speech import fields


def test_the_demo_ends_in_the_table_and_says_where_the_page_lies(
    tmp_path: Path, secateur: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def small(out: Path, **options: Any) -> dict[str, Any]:
        asked.update(options, out=out)
        return prune(recipe_from(fields(tmp_path)), out / "pruned")

    monkeypatch.setattr("secateur.jobs.demo.demo", small)
    out = tmp_path / "demo"
    said = secateur("demo", "--out", out, "--from-scratch", "--overwrite")
    assert said.code == 0
    assert asked == {"out": out, "from_scratch": True, "overwrite": True}
    assert "9,074" in said.out
    assert f"page: {out / 'pruned' / 'report.html'}\n" in said.err


def test_what_an_earlier_demo_left_is_not_overwritten_unasked(tmp_path: Path, secateur: Any) -> None:
    (tmp_path / "pruned").mkdir()
    (tmp_path / "pruned" / "report.json").touch()
    said = secateur("demo", "--out", tmp_path)
    assert said.code == 2
    assert "`--overwrite` to replace it" in said.err
    assert not (tmp_path / "speech").exists()
