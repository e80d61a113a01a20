"""Which sites the patterns of a recipe speak of."""

import logging
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

logger = logging.getLogger(__name__)


def matches(site: str, patterns: Sequence[str]) -> bool:
    """Whether a site's name fits any of these glob patterns.

    >>> matches("layers.0.ffn:ffn_unit", ["*:head", "layers.0.*"]), matches("layers.0.ffn:ffn_unit", ["layers.0.ffn"])
    (True, False)
    """
    return any(fnmatchcase(site, pattern) for pattern in patterns)


def tell_unmatched(sites: Sequence[str], include: Sequence[str], exclude: Sequence[str]) -> None:
    """Warn of patterns that fit no site, and so change nothing: a slip of the pen, or the name of a module alone."""
    for field, patterns in (("include", include), ("exclude", exclude)):
        for pattern in patterns:
            if not any(fnmatchcase(site, pattern) for site in sites):
                near = get_close_matches(pattern, sites, n=1, cutoff=0.0)
                logger.warning(
                    "`%s` has `%s`, which fits none of the %d sites; names end in a colon and the granularity, as `%s`",
                    field,
                    pattern,
                    len(sites),
                    *(near or ["layers.0.feed_forward:ffn_unit"]),
                )
