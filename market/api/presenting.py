"""How listings are shown: to each caller what the tiers of their fields let them see; in lists what is public."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from marshmallow import Schema
from sqlmodel import Session

from market.api.calls import Call
from market.api.doors import Answer
from market.db import only_reads
from market.models import Listing
from market.services.disclosure import disclosing
from market.services.disclosure.disclosing import Sight
from market.services.rights.access import Principal
from market.services.search import searching
from market.vocabulary.protection import EVERYTHING, FIELDS, PUBLIC
from schemas import demands, experts, outcomes
from schemas.common import OWNERS_ONLY, OrganisationReference
from search.engine import Hit

_KEPT = 20_000  # summaries of a noun; about 1.5 KB each
_VARIANTS = 256  # schemas of a noun, each without some of the fields

_organisation = OrganisationReference()


class Presenter:
    """Dumps the listings of one noun."""

    def __init__(self, noun: str, read: type[Schema], summary: tuple[str, ...]) -> None:
        """`summary` names the fields shown in lists."""
        self._noun = noun
        self._read = read
        self._fields = summary
        self._whole: dict[frozenset[str] | None, Schema] = {}
        self._short: dict[frozenset[str], Schema] = {}
        # A version of a listing never changes once it is committed, so its summary is made once.
        self._summaries: dict[tuple[str, int], dict[str, Any]] = {}

    def whole(self, principal: Principal, listing: Listing, seen: Sight | None = None) -> dict[str, Any]:
        """All that this caller may see, and in `protected` what takes a higher tier; without `seen`, as where many
        are shown."""
        level = (seen or disclosing.sight_in_lists(principal, listing)).level
        hidden = None if level == EVERYTHING else disclosing.hidden(listing, level)
        schema = self._whole.get(hidden)
        if schema is None:
            schema = _kept(self._whole, hidden, self._without(hidden))
        shown: dict[str, Any] = schema.dump(listing)
        shown["protected"] = disclosing.askable(listing, hidden) if hidden else {}
        if shown["organisation"] is None and "organisation" not in (hidden or ()):
            shown["organisation"] = _organisation.dump(listing.organisation)  # type: ignore[attr-defined]
        return shown

    def _without(self, hidden: frozenset[str] | None) -> Schema:
        """None: all of it."""
        left_out = () if hidden is None else (*OWNERS_ONLY, *self._attributes(hidden))
        return self._read(exclude=("protected", *left_out))

    def _attributes(self, hidden: Iterable[str]) -> list[str]:
        """What goes with hidden fields. A hidden organisation is null."""
        return [name for field in hidden if field != "organisation" for name in FIELDS[self._noun][field]]

    def summary(self, listing: Listing) -> dict[str, Any]:
        """What a list shows; alike for every caller, so only what everybody may see. Not to be changed."""
        key = (str(listing.id), listing.version)
        shown = self._summaries.get(key)
        if shown is None:
            if len(self._summaries) >= _KEPT:
                self._summaries.clear()
            hidden = disclosing.hidden(listing, PUBLIC)
            schema = self._short.get(hidden)
            if schema is None:
                left_out = {*self._attributes(hidden)}
                only = [name for name in self._fields if name not in left_out]
                schema = _kept(self._short, hidden, self._read(only=only))
            shown = schema.dump(listing)
            if only_reads(listing):
                self._summaries[key] = shown
        return shown

    def hits(
        self, session: Session, hits: Sequence[tuple[Hit, int]], *, with_highlights: bool
    ) -> list[dict[str, Any]]:
        """Summaries with scores, in order, and the passages where the words stand if asked for."""
        summaries = {hit.id: self._summaries.get((hit.id, version)) for hit, version in hits}
        unknown = [identity for identity, shown in summaries.items() if shown is None]
        if unknown:
            rows = searching.load(session, self._noun, unknown)
            summaries.update({str(row.id): self.summary(row) for row in rows})
        shown = [{**(summaries[hit.id] or {}), "score": round(hit.score, 4)} for hit, _ in hits]
        if with_highlights:
            for item, (hit, _) in zip(shown, hits, strict=True):
                item["highlights"] = [
                    {"field": mark.field, "fragment": mark.fragment, "marks": mark.marks} for mark in hit.highlights
                ]
        return shown


def _kept(schemas: dict[Any, Schema], key: frozenset[str] | None, schema: Schema) -> Schema:
    if len(schemas) >= _VARIANTS:
        schemas.clear()
    schemas[key] = schema
    return schema


READ: Mapping[str, type[Schema]] = {
    "outcome": outcomes.OutcomeRead,
    "expert": experts.ExpertRead,
    "demand": demands.DemandRead,
}
PRESENTERS: Mapping[str, Presenter] = {
    "outcome": Presenter("outcome", READ["outcome"], outcomes.SUMMARY),
    "expert": Presenter("expert", READ["expert"], experts.SUMMARY),
    "demand": Presenter("demand", READ["demand"], demands.SUMMARY),
}


def shown_to(
    call: Call, listing: Listing, status: int = 200, *, headers: dict[str, str] | None = None, **more: Any
) -> Answer:
    """One listing as this caller may see it at this moment, and what is to be noted of that; with `more` beside."""
    presenter = PRESENTERS[listing.NOUN]
    seen = disclosing.sight(call.session, call.principal, listing, now=call.runtime.clock())
    disclosed = disclosing.disclosed(listing, seen)
    return Answer(
        {**presenter.whole(call.principal, listing, seen), **more},
        status,
        version=listing.version,
        headers=headers or {},
        disclosed=disclosed,
        public=None
        if disclosed is None
        else {**presenter.whole(call.principal, listing, disclosing.NO_MORE), **more},
    )
