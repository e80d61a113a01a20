import pytest

from secateur.report import formats


@pytest.mark.parametrize(
    ("show", "value", "printed"),
    [
        (formats.count, 0, "0"),
        (formats.count, 144, "144"),
        (formats.count, 10_000, "10.0 k"),
        (formats.count, 999_999, "1.00 M"),
        (formats.count, 1.5e20, "150000 P"),
        (formats.size, 0, "0 B"),
        (formats.size, 999.7, "1.00 kB"),
        (formats.size, 26e9, "26.0 GB"),
        (formats.seconds, 0, "0.00 µs"),
        (formats.seconds, 0.9, "900 ms"),
        (formats.seconds, 412.7, "6 min 53 s"),
        (formats.seconds, 3600, "1 h 0 min"),
        (formats.share, 0, "0.00 %"),
        (formats.points, -0.0121, "\N{MINUS SIGN}1.21"),
        (formats.change, 0.5, "\N{MINUS SIGN}50.0 %"),
        (formats.change, 1, "+0.0 %"),
        (formats.plain, 61.237, "61.24"),
        (formats.p_value, 0.001, "= 0.001"),
        (formats.p_value, 0.0499, "= 0.050"),
        (formats.p_value, 0.0009, "< 0.001"),
    ],
)
def test_each_quantity_is_printed_as_people_write_it(show, value, printed):
    assert show(value).replace(formats.GAP, " ") == printed
