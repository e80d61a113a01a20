"""A single weight, of which N in every M consecutive inputs of an output stay."""

from secateur.granularity.granularity import Granularity

N_OF_M = Granularity(
    name="n_of_m",
    summary="A single weight, of which N in every M consecutive inputs of an output stay.",
    leaves="element",
    single=True,
)
