import io

from rich.console import Console

from secateur.report import table


def printed(report) -> str:
    console = Console(file=io.StringIO(), width=140, color_system=None)
    console.print(table(report))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_terminal_shows_the_rows_of_the_page(numbers):
    shown = printed(numbers).replace("\N{NO-BREAK SPACE}", " ")
    for fragment in ("Parameters", "6.13 % [5.03, 7.33]", "No significant loss", "49.98 % reached", "21.5 ms"):
        assert fragment in shown


def test_square_brackets_of_a_report_are_no_markup():
    shown = printed({"dense": {"sets": {"[red]test[/nothing]": {"wer": 0.5}}}})
    assert "[red]test[/nothing]" in shown


def test_a_report_of_nothing_prints_a_table_of_nothing():
    assert "dense" in printed({})
