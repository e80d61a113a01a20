"""How much from where: one target to a share per site."""

from secateur.allocation.allocation import GONE, STAYS, Allocation
from secateur.allocation.budget import DENOMINATORS, Budget, Unit, kept_size, macs_saved, parameters_saved
from secateur.allocation.cost_aware import CostAware
from secateur.allocation.cut import ROUNDING
from secateur.allocation.fill import fill, most_removable
from secateur.allocation.global_rank import GlobalRank
from secateur.allocation.gone import expected_saved, saved_so_far, still_saved
from secateur.allocation.hold import hold
from secateur.allocation.uniform import Uniform
from secateur.allocation.within import fill_within

ALLOCATIONS = {"uniform": Uniform, "global_rank": GlobalRank, "cost_aware": CostAware}

__all__ = [
    "ALLOCATIONS",
    "DENOMINATORS",
    "GONE",
    "ROUNDING",
    "STAYS",
    "Allocation",
    "Budget",
    "CostAware",
    "GlobalRank",
    "Uniform",
    "Unit",
    "expected_saved",
    "fill",
    "fill_within",
    "hold",
    "kept_size",
    "macs_saved",
    "most_removable",
    "parameters_saved",
    "saved_so_far",
    "still_saved",
]
