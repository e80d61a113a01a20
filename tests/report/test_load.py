import pytest

from secateur.errors import DataError
from secateur.report.load import load


def test_a_run_folder_is_read_whole(make_run, numbers):
    run = load(make_run("half", layers=2, utterances=5))
    assert run.name == "half"
    assert run.report == numbers
    assert run.plan is not None
    assert run.log.records[0]["step"] == 0
    assert len(run.transcripts.records) == 5


def test_only_the_report_must_be_there(make_run):
    run = load(make_run(plan=None, log=None, transcripts=None))
    assert (run.plan, run.log.records, run.transcripts.records) == (None, (), ())


def test_a_folder_without_a_report_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"has no report\.json"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("parts", "fragment"),
    [
        ({"report": {}}, r"report\.json must be 1, but is absent"),
        ({"report": {"schema": 2}}, r"report\.json must be 1, but is 2"),
        ({"report": {"schema": "x" * 999}}, r"but is 'x{39};"),
        ({"plan": {"schema": 7}}, r"plan\.json must be 1, but is 7"),
    ],
)
def test_another_schema_is_refused(make_run, parts, fragment):
    with pytest.raises(DataError, match=fragment):
        load(make_run(**parts))
