"""Alembic's environment: the connection is handed in by market.schema, never made here."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlmodel.sql.sqltypes import AutoString

from market.models import METADATA


def _plain_strings(kind: str, value: Any, _: Any) -> str | Literal[False]:
    """A migration file needs no SQLModel to say that a column holds text."""
    return "sa.String()" if kind == "type" and isinstance(value, AutoString) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters a table by copying it
    compare_type=True,
    render_item=_plain_strings,
)
with context.begin_transaction():
    context.run_migrations()
