import pytest

from secateur.errors import DataError
from secateur.report.sites import sites


def test_a_site_may_list_what_it_kept_or_only_count_it():
    listed = {"name": "a.b:head", "units": 4, "kept": [0, 3]}
    counted = {"name": "a.c:element", "granularity": "element", "module": "a.c", "units": 4096, "kept_count": 819}
    found = sites({"sites": [listed, counted]})
    assert [(site.module, site.granularity, site.kept) for site in found] == [
        ("a.b", "head", 2),
        ("a.c", "element", 819),
    ]


@pytest.mark.parametrize(
    "site",
    [
        None,
        {},
        {"name": "a:head", "units": 2},
        {"name": "a:head", "kept": []},
        {"name": "a:head", "units": 1, "kept": [0, 1]},
        {"name": "a:element", "units": 1, "kept_count": -1},
        {"name": ":head", "units": 1, "kept": []},
    ],
)
def test_a_site_that_does_not_add_up_is_refused_by_its_index(site):
    fine = {"name": "a:head", "units": 1, "kept": []}
    with pytest.raises(DataError, match=r"`sites\[1\]` of plan\.json"):
        sites({"sites": [fine, site]})


def test_a_plan_without_sites_has_none():
    assert sites({}) == ()
