"""How the caller wants to be told."""

from __future__ import annotations

from typing import Any

from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import telling as examples
from market.delivery.timing import known_zone
from market.errors import Invalid
from market.models import Preference, User
from market.services.telling import preferences
from schemas.telling import NO_ZONE, PreferencesRead, PreferencesUpdate

door = Door("preferences", __name__, url_prefix="/api/v1/preferences", description="How to be told 通知偏好")

_shape = PreferencesRead()


@door.route_to("GET", "", action="notification.read", answer=PreferencesRead, example=examples.PREFERENCES)
def read_preferences(call: Call) -> Answer:
    """How you are told: of what, by which channel, how often; when not; how much a day."""
    user = call.session.get_one(User, call.principal.user_id)
    return _answer(user, preferences.of(call.session, [user.id])[user.id])


@door.route_to(
    "PATCH", "", action="notification.read", body=PreferencesUpdate, body_example=examples.CHANGED_PREFERENCES,
    answer=PreferencesRead, example=examples.PREFERENCES,
)  # fmt: skip
def update_preferences(call: Call, body: dict[str, Any]) -> Answer:
    """Change what you name; of the rhythms, those you name. Security notices stay as they are."""
    if "time_zone" in body and not known_zone(body["time_zone"]):
        raise Invalid({"/time_zone": [NO_ZONE]})
    user = call.session.get_one(User, call.principal.user_id)
    return _answer(user, preferences.change(call.session, user, body, now=call.runtime.clock()))


def _answer(user: User, wish: Preference) -> Answer:
    shown = {**wish.model_dump(), "rhythms": preferences.matrix(wish), "language": user.language}
    return Answer(_shape.dump(shown))
