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

from market.models.claims import Claim, RelayMessage  # noqa: E402  # after the naming convention
from market.models.deliveries import (  # noqa: E402
    Attempt,
    Delivery,
    DeliveryItem,
    Endpoint,
    Preference,
)
from market.models.demands import Demand  # noqa: E402
from market.models.disclosure import AccessRequest  # noqa: E402
from market.models.experts import Expert, Work  # noqa: E402
from market.models.flags import Flag  # noqa: E402
from market.models.imports import Import, ImportFault, ImportPart, ImportRow  # noqa: E402
from market.models.jobs import Job, Schedule  # noqa: E402
from market.models.listings import Listing  # noqa: E402
from market.models.matches import Match  # noqa: E402
from market.models.memberships import Case, Invitation, Membership  # noqa: E402
from market.models.moderation import Identifier, ListingVersion, Report, Review  # noqa: E402
from market.models.notifications import Inbox, Notification  # noqa: E402
from market.models.organisations import Organisation  # noqa: E402
from market.models.outcomes import Outcome  # noqa: E402
from market.models.records import AuditEntry, AuditSeal, IdempotentAnswer, Usage  # noqa: E402
from market.models.scoring import CensusTaken, Rematch, Signature, Weighting  # noqa: E402
from market.models.subscriptions import Subscription  # noqa: E402
from market.models.users import ApiKey, Identity, User  # noqa: E402

LISTINGS: dict[str, type[Listing]] = {model.NOUN: model for model in (Outcome, Expert, Demand)}
METADATA: MetaData = SQLModel.metadata

__all__ = [
    "LISTINGS",
    "METADATA",
    "AccessRequest",
    "ApiKey",
    "Attempt",
    "AuditEntry",
    "AuditSeal",
    "Case",
    "CensusTaken",
    "Claim",
    "Delivery",
    "DeliveryItem",
    "Demand",
    "Endpoint",
    "Expert",
    "Flag",
    "IdempotentAnswer",
    "Identifier",
    "Identity",
    "Import",
    "ImportFault",
    "ImportPart",
    "ImportRow",
    "Inbox",
    "Invitation",
    "Job",
    "Listing",
    "ListingVersion",
    "Match",
    "Membership",
    "Notification",
    "Organisation",
    "Outcome",
    "Preference",
    "RelayMessage",
    "Rematch",
    "Report",
    "Review",
    "Schedule",
    "Signature",
    "Subscription",
    "Usage",
    "User",
    "Weighting",
    "Work",
]
