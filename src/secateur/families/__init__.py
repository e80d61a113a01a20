"""What may be removed from a model, and what is tied to it."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from torch import nn

from secateur.errors import ModelError, RecipeError
from secateur.families.any_module import weights
from secateur.families.family import MEL_FRAMES_PER_SECOND, SAMPLES_PER_SECOND, Family, Hearing
from secateur.families.gpt2 import GPT2
from secateur.families.lasr import LASR
from secateur.families.llama import LLAMA
from secateur.families.low_rank import LowRank, components, factorable, matrix_of, site_of
from secateur.families.matching import matches, tell_unmatched
from secateur.families.opt import OPT
from secateur.families.parakeet import PARAKEET
from secateur.families.patterns import BLOCK, N_OF_M, runs, tiles
from secateur.families.wav2vec2_bert import WAV2VEC2_BERT
from secateur.families.wav2vec2_conformer import WAV2VEC2_CONFORMER
from secateur.group import Group

FAMILIES = {
    "parakeet": PARAKEET,
    "wav2vec2_conformer": WAV2VEC2_CONFORMER,
    "wav2vec2_bert": WAV2VEC2_BERT,
    "lasr": LASR,
    "gpt2": GPT2,
    "opt": OPT,
    "llama": LLAMA,
}

__all__ = [
    "FAMILIES",
    "MEL_FRAMES_PER_SECOND",
    "SAMPLES_PER_SECOND",
    "Family",
    "Hearing",
    "LowRank",
    "factorable",
    "family_of",
    "find_groups",
    "hearing_of",
    "is_transducer",
    "matches",
    "matrix_of",
    "site_of",
]


def family_of(model: nn.Module) -> Family:
    """Return the family of a model.

    Raises:
        ModelError: No family knows this model.
    """
    for family in FAMILIES.values():
        if family.matches(model):
            return family
    raise ModelError(
        f"`model` must be of a known family ({', '.join(FAMILIES)}) to lose whole units, but is a "
        f"{type(model).__name__}; any model can be pruned with `granularity: element`"
    )


def hearing_of(model: nn.Module) -> Hearing:
    """Return how a recognizer hears.

    Raises:
        ModelError: The model is of no known family, or of one that reads text.
    """
    hearing = family_of(model).hearing
    if hearing is None:
        raise ModelError(f"`model` must hear speech, but a {type(model).__name__} reads text; take a recognizer")
    return hearing


def is_transducer(model: nn.Module) -> bool:
    """Whether a model is a recognizer that predicts its words from those before as well as from speech."""
    hearing = family_of(model).hearing
    return hearing is not None and hearing.transducer is not None and isinstance(model, hearing.transducer)


def find_groups(
    model: nn.Module,
    granularities: Collection[str],
    *,
    include: Sequence[str] = ("*",),
    exclude: Sequence[str] = (),
    n_of_m: tuple[int, int] = N_OF_M,
    block: tuple[int, int] = BLOCK,
) -> list[Group]:
    """Find the groups of `model` at these granularities whose site matches `include` and not `exclude`.

    A granularity that the model does not have is passed over, as long as another one is there. `Group.inside` names
    only sites that were found, so whoever reads it need not look further. `n_of_m` and `block` shape the units of the
    granularities of these names.

    Raises:
        ModelError: A structured granularity was asked for and no family knows the model.
        RecipeError: Nothing is left to prune.
    """

    def wanted(site: str) -> bool:
        return matches(site, include) and not matches(site, exclude)

    found = weights(model) if "element" in granularities else []
    found += runs(model, n_of_m, wanted=wanted) if "n_of_m" in granularities else []
    found += tiles(model, block, wanted=wanted) if "block" in granularities else []
    found += components(model) if "rank" in granularities else []
    if set(granularities) - {"element", "n_of_m", "block", "rank"}:
        found += _structured(model, granularities)
    chosen = [group for group in found if wanted(group.name)]
    if not chosen:
        sites = ", ".join(group.name for group in found[:3])
        raise RecipeError(
            [
                f"`include` and `exclude` must leave something to prune, but of {len(found)} sites ({sites}, ...) none "
                f"is left; loosen a pattern"
            ]
        )
    tell_unmatched(_sites(model, granularities, found), include, exclude)
    names = {group.name for group in chosen}
    return [replace(group, inside=tuple(site for site in group.inside if site in names)) for group in chosen]


def _sites(model: nn.Module, granularities: Collection[str], found: Sequence[Group]) -> list[str]:
    """Name all sites that patterns may speak of, those too that are of another shape or have been split."""
    if "rank" in granularities:
        return [site_of(name) for name in factorable(model)] + [group.name for group in found]
    patterned = [kind for kind in ("n_of_m", "block") if kind in granularities]
    whole = [group.name.rpartition(":")[0] for group in weights(model)] if patterned else []
    return [group.name for group in found] + [f"{name}:{kind}" for kind in patterned for name in whole]


def _structured(model: nn.Module, granularities: Collection[str]) -> list[Group]:
    """Find a family's groups.

    Raises:
        RecipeError: There are none at these granularities, or layers are in two factors.
    """
    family = family_of(model)
    if any(isinstance(module, LowRank) for module in model.modules()):
        raise RecipeError(
            [
                f"`granularity` must be rank, element, n_of_m or block for a model whose layers are in two factors, "
                f"but is {', '.join(granularities)}; let whole units leave before ranks"
            ]
        )
    groups = family.groups(model)
    found = [group for group in groups if group.granularity in granularities]
    if not found:
        have = ", ".join(dict.fromkeys(group.granularity for group in groups))
        raise RecipeError(
            [
                f"`granularity` must name something that can leave this model of the family {family.name} "
                f"({have or 'nothing'}), but is {', '.join(granularities)}"
            ]
        )
    return found
