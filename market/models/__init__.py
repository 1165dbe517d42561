"""SQLModel tables, one noun a file."""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlmodel import SQLModel

# Every constraint gets a name, so that a migration can drop it on any database.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

from market.models.deliveries import (  # noqa: E402  # after the naming convention
    Attempt,
    Delivery,
    DeliveryItem,
    Endpoint,
    Preference,
)
from market.models.demands import Demand  # noqa: E402
from market.models.experts import Expert, Work  # noqa: E402
from market.models.flags import Flag  # noqa: E402
from market.models.jobs import Job, Schedule  # noqa: E402
from market.models.listings import Listing  # noqa: E402
from market.models.matches import Match  # noqa: E402
from market.models.notifications import Inbox, Notification  # noqa: E402
from market.models.organisations import Organisation  # noqa: E402
from market.models.outcomes import Outcome  # noqa: E402
from market.models.records import AuditEntry, IdempotentAnswer  # noqa: E402
from market.models.scoring import CensusTaken, Rematch, Signature, Weighting  # noqa: E402
from market.models.subscriptions import Subscription  # noqa: E402
from market.models.users import ApiKey, User  # noqa: E402

LISTINGS: dict[str, type[Listing]] = {model.NOUN: model for model in (Outcome, Expert, Demand)}
METADATA: MetaData = SQLModel.metadata

__all__ = [
    "LISTINGS",
    "METADATA",
    "ApiKey",
    "Attempt",
    "AuditEntry",
    "CensusTaken",
    "Delivery",
    "DeliveryItem",
    "Demand",
    "Endpoint",
    "Expert",
    "Flag",
    "IdempotentAnswer",
    "Inbox",
    "Job",
    "Listing",
    "Match",
    "Notification",
    "Organisation",
    "Outcome",
    "Preference",
    "Rematch",
    "Schedule",
    "Signature",
    "Subscription",
    "User",
    "Weighting",
    "Work",
]
