import torch

import tiny
from secateur.runtime.positions import MOST, Positions, replace_positions, shared


def encoding():
    return tiny.ctc().encoder.encode_positions


def test_embeddings_are_the_library_s_at_every_length() -> None:
    original = encoding()
    kept = Positions(original)
    for batch, places in ((1, 5), (3, 64), (2, 200), (2, 7), (2, MOST + 1)):
        states = torch.zeros(batch, places, tiny.WIDTH)
        found = kept(states)
        assert torch.equal(found, original(states))
        assert shared(found)
        table = kept.holds(found)
        if places > MOST:
            assert table is None
        else:
            assert table is not None
            assert table is kept.table


def test_other_embeddings_are_not_taken_for_its_own() -> None:
    kept = Positions(encoding())
    found = kept(torch.zeros(1, 9, tiny.WIDTH))
    assert kept.holds(found) is not None
    assert kept.holds(found.clone()) is None
    assert kept.holds(found[:, 1:]) is None
    assert kept.holds(found[:, ::2]) is None
    assert Positions(encoding()).holds(found) is None


def test_a_table_that_has_grown_is_another() -> None:
    kept = Positions(encoding())
    short = kept(torch.zeros(1, 9, tiny.WIDTH))
    assert kept.holds(short) is kept.table
    before = kept.table
    long = kept(torch.zeros(1, 100, tiny.WIDTH))
    assert kept.holds(long) is kept.table is not before
    assert kept.holds(short) is None


def test_other_types_of_numbers_are_the_library_s() -> None:
    assert Positions(encoding())(torch.zeros(1, 9, tiny.WIDTH, dtype=torch.float64)).dtype == torch.float64


def test_it_is_replaced_in_a_model() -> None:
    assert isinstance(replace_positions(tiny.ctc()).encoder.encode_positions, Positions)
