from secateur.granularity import GRANULARITIES
from secateur.granularity.n_of_m import N_OF_M


def test_it_leaves_as_its_summary_says() -> None:
    assert GRANULARITIES["n_of_m"] is N_OF_M
    assert (N_OF_M.leaves, N_OF_M.keep_at_least, N_OF_M.rounds, N_OF_M.single) == ("element", 0, False, True)
