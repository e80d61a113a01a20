from secateur.report.values import look, mapping, number, sequence, text

TREE = {"a": {"b": [1, {"c": 2.5}]}, "s": "x", "huge": 10**400, "nan": float("nan"), "yes": True, "none": None}


def test_a_path_goes_through_objects_and_lists():
    assert number(TREE, ("a", "b", 1, "c")) == 2.5


def test_a_path_that_leads_nowhere_finds_nothing():
    for path in [("z",), ("a", "b", 7), ("a", 0), ("s", "b"), ("a", "b", "c"), ("none", "x")]:
        assert look(TREE, path) is None


def test_only_finite_numbers_count_as_numbers():
    assert [number(TREE, (key,)) for key in ("huge", "nan", "yes", "none", "s", "a")] == [None] * 6


def test_other_kinds_are_empty_where_they_do_not_apply():
    assert text(TREE, ("a",)) is None
    assert mapping(TREE, ("s",)) == {}
    assert list(sequence(TREE, ("a",))) == []
