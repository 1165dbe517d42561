"""/outcomes."""

from __future__ import annotations

from market.api.doors import Door
from market.api.listings.listings import Noun, serve
from schemas.outcomes import OutcomeCreate, OutcomeFields, OutcomeRead
from schemas.queries import OutcomeQuery

door = Door("outcomes", __name__, url_prefix="/api/v1/outcomes", description="Research outcomes 科技成果")

serve(door, Noun("outcome", OutcomeCreate, OutcomeFields, OutcomeRead, OutcomeQuery))
