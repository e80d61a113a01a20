from secateur.report.load import load
from secateur.report.overview import lines, names, trade_off


def test_each_run_has_a_line_with_every_column(make_run):
    found = lines([load(make_run("one")), load(make_run("two", report={"schema": 1}))])
    assert [line.name for line in found] == ["one", "two"]
    assert list(found[0].cells) == list(found[1].cells)
    assert all(found[0].cells.values())
    assert not any(found[1].cells.values())


def test_language_models_have_perplexity_for_a_column_and_no_word_errors(make_run):
    report = {"schema": 1, "dense": {"perplexity": 60.0}, "pruned": {"perplexity": 66.0}}
    (line,) = lines([load(make_run(report=report))])
    assert list(line.cells) == ["perplexity dense", "perplexity pruned", "perplexity change"]


def test_folders_of_one_name_are_told_apart_by_their_paths(make_run):
    runs = [load(make_run(name)) for name in ("a/run", "b/run", "other")]
    assert names(runs) == (str(runs[0].folder), str(runs[1].folder), "other")


def test_a_trade_off_needs_two_runs_with_both_numbers(make_run):
    one, bare = load(make_run("one")), load(make_run("bare", report={"schema": 1}))
    assert trade_off([one, bare]) is None
    assert trade_off([one, one]) is not None
