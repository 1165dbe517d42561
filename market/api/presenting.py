"""How listings are shown: whole to whom they belong, without what is confidential to others, in short in lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import Schema
from sqlmodel import Session

from market.models import Listing
from market.services import searching
from market.services.access import Principal, sees_all_of
from schemas import demands, experts, outcomes
from schemas.common import CONFIDENTIAL
from search.engine import Hit

_KEPT = 20_000  # summaries of a noun; about 1.5 KB each


class Presenter:
    """Dumps the listings of one noun."""

    def __init__(self, noun: str, read: type[Schema], summary: tuple[str, ...]) -> None:
        """`summary` names the fields shown in lists."""
        self._noun = noun
        self._whole = read()
        self._public = read(exclude=CONFIDENTIAL)
        self._summary = read(only=summary)
        # A version of a listing never changes, so its summary is made once.
        self._summaries: dict[tuple[str, int], dict[str, Any]] = {}

    def whole(self, principal: Principal, listing: Listing) -> dict[str, Any]:
        """All that this caller may see."""
        schema = self._whole if sees_all_of(principal, listing) else self._public
        shown: dict[str, Any] = schema.dump(listing)
        return shown

    def summary(self, listing: Listing) -> dict[str, Any]:
        """What a list shows; alike for every caller. Not to be changed."""
        key = (str(listing.id), listing.version)
        shown = self._summaries.get(key)
        if shown is None:
            if len(self._summaries) >= _KEPT:
                self._summaries.clear()
            shown = self._summaries[key] = self._summary.dump(listing)
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


PRESENTERS: Mapping[str, Presenter] = {
    "outcome": Presenter("outcome", outcomes.OutcomeRead, outcomes.SUMMARY),
    "expert": Presenter("expert", experts.ExpertRead, experts.SUMMARY),
    "demand": Presenter("demand", demands.DemandRead, demands.SUMMARY),
}
