"""/demands."""

from __future__ import annotations

from market.api.doors import Door
from market.api.listings import DEMAND_ACTIONS, Noun, serve
from schemas.demands import DemandCreate, DemandFields, DemandRead
from schemas.queries import DemandQuery

door = Door("demands", __name__, url_prefix="/api/v1/demands", description="Demands 科研众包需求")

serve(door, Noun("demand", DemandCreate, DemandFields, DemandRead, DemandQuery), extra_actions=DEMAND_ACTIONS)
