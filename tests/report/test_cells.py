from secateur.report import formats
from secateur.report.cells import interval, join, plain, quote, words

REPORT = {"wer": 0.0613, "ci": [0.05, 0.07], "half": [0.05]}


def test_a_quoted_number_keeps_its_key_and_its_exact_value():
    (piece,) = quote(REPORT, ("wer",), show=formats.share)
    assert (piece.key, piece.value) == ("wer", 0.0613)


def test_the_ends_of_an_interval_have_their_own_keys():
    keys = [piece.key for piece in interval(REPORT, ("ci",), show=formats.bound) if piece.key]
    assert keys == ["ci.0", "ci.1"]


def test_an_interval_with_one_end_is_none():
    assert interval(REPORT, ("half",), show=formats.bound) == ()


def test_empty_cells_leave_no_gap_when_joined():
    assert plain(join([(), words("a"), (), words("b")], between="+")) == "a+b"
    assert join([(), ()]) == ()
