"""The lives of listings: from which states each action leads where, and who may take it. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Who = Literal["owner", "reviewer"]


@dataclass(frozen=True, slots=True)
class Transition:
    """`to` empty: the action leaves the state as it is."""

    sources: frozenset[str]
    to: str
    who: Who


def _from(*sources: str, to: str, who: Who) -> Transition:
    return Transition(frozenset(sources), to, who)


LISTING_ACTIONS: dict[str, Transition] = {
    "submit": _from("draft", "rejected", "withdrawn", "expired", to="submitted", who="owner"),
    "approve": _from("submitted", to="published", who="reviewer"),
    "reject": _from("submitted", to="rejected", who="reviewer"),
    "withdraw": _from("submitted", "published", "suspended", to="withdrawn", who="owner"),
    "suspend": _from("published", to="suspended", who="reviewer"),
    "restore": _from("suspended", to="published", who="reviewer"),
    "close": _from("published", "suspended", "withdrawn", "expired", to="closed", who="owner"),
    "extend": _from("published", "expired", to="published", who="owner"),
}

# A demand's progress runs beside its state, while it is published.
DEMAND_ACTIONS: dict[str, Transition] = {
    "negotiate": _from("open", to="in_negotiation", who="owner"),
    "reopen": _from("in_negotiation", "awarded", "failed", to="open", who="owner"),
    "award": _from("open", "in_negotiation", to="awarded", who="owner"),
    "solve": _from("awarded", to="solved", who="owner"),
    "fail": _from("in_negotiation", "awarded", to="failed", who="owner"),
    "cancel": _from("open", "in_negotiation", to="cancelled", who="owner"),
}
