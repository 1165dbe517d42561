"""The lives of listings: from which states each action leads where. Who may take it is in the table of rights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transition:
    """From any of `sources` to `to`, for whom the table of rights lets take the action `right`."""

    sources: frozenset[str]
    to: str
    right: str


def _from(*sources: str, to: str, right: str) -> Transition:
    return Transition(frozenset(sources), to, right)


_SUBMIT, _MODERATE, _PROGRESS = "listing.submit", "listing.moderate", "listing.progress"


LISTING_ACTIONS: dict[str, Transition] = {
    "submit": _from("draft", "rejected", "withdrawn", "expired", to="submitted", right=_SUBMIT),
    "approve": _from("submitted", to="published", right=_MODERATE),
    "reject": _from("submitted", to="rejected", right=_MODERATE),
    "return": _from("submitted", to="draft", right=_MODERATE),
    "withdraw": _from("submitted", "published", "suspended", to="withdrawn", right=_SUBMIT),
    "suspend": _from("published", to="suspended", right=_MODERATE),
    "restore": _from("suspended", to="published", right=_MODERATE),
    "close": _from("published", "suspended", "withdrawn", "expired", to="closed", right=_SUBMIT),
    "extend": _from("published", "expired", to="published", right=_SUBMIT),
}

# A demand's progress runs beside its state, while it is published.
DEMAND_ACTIONS: dict[str, Transition] = {
    "negotiate": _from("open", to="in_negotiation", right=_PROGRESS),
    "reopen": _from("in_negotiation", "awarded", "failed", to="open", right=_PROGRESS),
    "award": _from("open", "in_negotiation", to="awarded", right=_PROGRESS),
    "solve": _from("awarded", to="solved", right=_PROGRESS),
    "fail": _from("in_negotiation", "awarded", to="failed", right=_PROGRESS),
    "cancel": _from("open", "in_negotiation", to="cancelled", right=_PROGRESS),
}
