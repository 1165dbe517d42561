"""/experts."""

from __future__ import annotations

from market.api.doors import Door
from market.api.listings.listings import Noun, serve
from schemas.experts import ExpertCreate, ExpertFields, ExpertRead
from schemas.queries import ExpertQuery

door = Door("experts", __name__, url_prefix="/api/v1/experts", description="Experts 专家")

serve(door, Noun("expert", ExpertCreate, ExpertFields, ExpertRead, ExpertQuery))
