"""How near two regions of GB/T 2260 are for doing business, seen from the 京津冀 hub."""

from functools import lru_cache

from market.vocabulary.catalogue import vocabulary

JINGJINJI = frozenset({"110000", "120000", "130000"})  # Beijing, Tianjin, Hebei
JINGJINJI_NEIGHBOURS = frozenset(  # the provinces that border Hebei
    {"140000", "150000", "210000", "370000", "410000"}  # Shanxi, Inner Mongolia, Liaoning, Shandong, Henan
)

SAME, SAME_PROVINCE, BOTH_IN_HUB, BORDERS_HUB, APART = 1.0, 0.8, 0.6, 0.3, 0.0


def province_of(code: str) -> str:
    """The province-level code that holds `code`, itself if it is one; KeyError if unknown."""
    return vocabulary("regions").ancestors(code)[-1]


@lru_cache(maxsize=1 << 14)
def region_nearness(a: str, b: str) -> float:
    """From 0 to 1, symmetric: 1 if one region is or contains the other, .8 in the same province,
    .6 both in 京津冀, .3 one in 京津冀 and one in a province next to it, otherwise 0.

    A code outside the vocabulary is near nothing, as in `Vocabulary.nearness`.
    """
    regions = vocabulary("regions")
    if a not in regions or b not in regions:
        return APART
    if a in regions.ancestors(b) or b in regions.ancestors(a):
        return SAME
    provinces = {province_of(a), province_of(b)}
    if len(provinces) == 1:
        return SAME_PROVINCE
    if provinces <= JINGJINJI:
        return BOTH_IN_HUB
    if provinces & JINGJINJI and provinces & JINGJINJI_NEIGHBOURS:
        return BORDERS_HUB
    return APART
