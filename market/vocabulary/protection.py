"""Which fields of a listing can be protected, the tiers in their order, and what a reader of a tier does not see.

Pure: knows neither listings' tables nor who reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from market.vocabulary.catalogue import vocabulary

TIERS: tuple[str, ...] = tuple(vocabulary("tiers").codes)
"""public, registered, verified, agreement: whoever reaches one has reached those before it."""
PUBLIC, REGISTERED, VERIFIED, AGREEMENT, EVERYTHING = range(5)
"""How far a reader has come; EVERYTHING is for those whose it is, and whoever looks after it."""

NOBODY = "nobody"
"""Instead of a tier: no reader ever reaches it."""
_RANKS = {**{tier: rank for rank, tier in enumerate(TIERS)}, NOBODY: EVERYTHING}

_CONTACT = ("contact_name", "contact_phone", "contact_email")


def _fields(*, pairs: str, single: str, **groups: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    both = {stem: (f"{stem}_zh", f"{stem}_en") for stem in pairs.split()}
    return MappingProxyType({**both, **{stem: (stem,) for stem in single.split()}, **groups})


FIELDS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "outcome": _fields(
            pairs="description advantages",
            single="indicators owners inventors ip_rights awards keywords",
            price=("price", "price_negotiable"),
            contact=_CONTACT,
        ),
        "expert": _fields(pairs="biography", single="works keywords position orcid", contact=_CONTACT),
        "demand": _fields(
            pairs="problem background",
            single="indicators reward intended keywords organisation",
            budget=("budget_from", "budget_to", "budget_negotiable"),
            contact=_CONTACT,
        ),
    }
)
"""By noun: what can be protected, and the attributes that go with it. All else of a listing is public."""

ALWAYS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "outcome": MappingProxyType({"contact": "agreement"}),
        "expert": MappingProxyType({"contact": NOBODY}),
        "demand": MappingProxyType({"contact": "agreement"}),
    }
)
"""What is protected unless its owner says otherwise: of an expert, whatever they say."""

MASKED = "agreement"
"""From which tier on a masked organisation is named."""


def choices(noun: str, field: str) -> tuple[str, ...]:
    """The tiers that an owner may give a field; none for a field that cannot be protected, or always is."""
    if field not in FIELDS[noun] or ALWAYS[noun].get(field) == NOBODY:
        return ()
    return TIERS[1:] if field in ALWAYS[noun] else TIERS


def protected(noun: str, tiers: Mapping[str, str]) -> Mapping[str, str]:
    """Each field that not everybody may see, with its tier. `tiers` is what its owner says."""
    if not tiers:
        return ALWAYS[noun]
    return {**tiers, **ALWAYS[noun]} if noun == "expert" else {**ALWAYS[noun], **tiers}


def hidden_at(noun: str, fields: Mapping[str, str], level: int) -> frozenset[str]:
    """Of protected fields with their tiers those that a reader of this level does not see. A tier that is not known
    is reached by nobody."""
    known = FIELDS[noun]
    return frozenset(
        [name for name, tier in fields.items() if level < _RANKS.get(tier, EVERYTHING) and name in known]
    )


def stricter(noun: str, present: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """The `present` tiers, and beside them those of `other` that open nothing: of each field the higher one."""
    found = dict(present)
    for field, tier in other.items():
        now = present.get(field, ALWAYS[noun].get(field, TIERS[PUBLIC]))
        if _RANKS.get(tier, EVERYTHING) > _RANKS.get(now, EVERYTHING):
            found[field] = tier
    return found


def settled(
    noun: str, data: Mapping[str, Any], *, tiers: Mapping[str, str] | None = None, masked: bool = False
) -> dict[str, Any]:
    """Input as it is stored: its `tiers` changed into what holds from now on, `organisation_masked` equal to them.

    `tiers` and `masked` are what held before. In `data["tiers"]`, None and "public" end a protection, and fields that
    are not named keep theirs. Of two wishes for the organisation's name the stricter holds.
    """
    if "tiers" not in data and "organisation_masked" not in data:
        return dict(data)
    asked: Mapping[str, str | None] = data.get("tiers") or {}
    merged: dict[str, str] = {"organisation": MASKED} if masked else {}
    merged.update(tiers or {})
    for field, tier in asked.items():
        if tier in (None, TIERS[PUBLIC]):
            merged.pop(field, None)
        else:
            merged[field] = str(tier)
    wish = data.get("organisation_masked")
    if wish is True:
        merged.setdefault("organisation", MASKED)
    elif wish is False and asked.get("organisation") in (None, TIERS[PUBLIC]):
        merged.pop("organisation", None)
    mask = {"organisation_masked": "organisation" in merged} if noun == "demand" else {}
    return {**data, "tiers": merged, **mask}
