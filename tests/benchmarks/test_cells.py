import json
from pathlib import Path

import pytest
from benchmarks.cells import zeros


@pytest.mark.parametrize(
    ("site", "found"),
    [
        ({"name": "a.weight:element", "granularity": "element", "units": 8, "kept_count": 2}, {"a.weight": 0.75}),
        ({"name": "a.weight:block", "granularity": "block", "units": 3, "kept_count": 2}, {"a.weight": 0.3333}),
        ({"name": "a:head", "granularity": "head", "units": 4, "kept": [0, 1]}, None),
    ],
)
def test_zeros_are_counted_per_weight_where_weights_and_not_widths_have_left(
    site: dict[str, object], found: dict[str, float] | None, tmp_path: Path
) -> None:
    assert zeros(tmp_path) == {}
    (tmp_path / "plan.json").write_text(json.dumps({"sites": [site]}))
    assert zeros(tmp_path) == ({} if found is None else {"zeros": found})
