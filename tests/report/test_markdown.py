import pytest

from secateur.report.markdown import plain, table


def test_a_table_has_a_head_a_rule_and_its_rows() -> None:
    assert table(["a", "b"], [["1", "2"], ["", "3"]]).splitlines() == [
        "| a | b |",
        "|---|---|",
        "| 1 | 2 |",
        "|  | 3 |",
    ]


def test_a_table_without_rows_is_its_head() -> None:
    assert table(["a"], []) == "| a |\n|---|"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", "a\\|b"),
        ("a\nb\r\nc", "a b c"),
        ("<script>", "\\<script>"),
        ("</td>", "\\</td>"),
        ("<!--", "\\<!--"),
        ("p < 0.001", "p < 0.001"),
        ("\\|", "\\\\\\|"),
    ],
)
def test_what_would_end_a_cell_or_open_a_tag_does_not(text: str, written: str) -> None:
    assert plain(text) == written
