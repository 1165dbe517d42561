"""keys: API keys made, listed and revoked."""

from __future__ import annotations

from datetime import timedelta

import click

from market.cli.output import json_option, opened, show
from market.services.people import keys as service
from market.services.rights import people
from market.settings import Settings
from market.vocabulary import vocabulary


@click.group()
def keys() -> None:
    """API keys."""


@keys.command()
@click.argument("user")
@click.option("--label", default="", help="What the key is for.")
@click.option("--days", type=click.IntRange(1, 3650), help="For how many days it is good; without it, until revoked.")
@click.option(
    "--scope", "scopes", type=click.Choice(vocabulary("scopes").codes), multiple=True, help="Only for this."
)
@json_option
@click.pass_obj
def create(
    settings: Settings, user: str, label: str, days: int | None, scopes: tuple[str, ...], as_json: bool
) -> None:
    """Make a key for USER, named by mail address. It is shown this once."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        now = runtime.clock()
        plain, row = service.create(
            session,
            people.user(session, user),
            now=now,
            label=label,
            expires_at=now + timedelta(days=days) if days else None,
            scopes=sorted(set(scopes)),
        )
        hint = row.hint
    show({"key": plain, "hint": hint}, as_json=as_json, columns=("key (shown this once)",), rows=[(plain,)])


@keys.command("list")
@json_option
@click.pass_obj
def list_keys(settings: Settings, as_json: bool) -> None:
    """List keys by their first characters, never whole."""
    with opened(settings) as runtime, runtime.db.reading() as session:
        rows = [
            {
                "id": str(key.id),
                "hint": key.hint,
                "user": user.email,
                "roles": user.roles,
                "label": key.label,
                "scopes": key.scopes,
                "expires_at": key.expires_at,
                "revoked_at": key.revoked_at,
                "last_used_at": key.last_used_at,
            }
            for key, user in service.of_all(session)
        ]
    columns = ("hint", "user", "roles", "label", "scopes", "expires_at", "revoked_at", "last_used_at")
    show(rows, as_json=as_json, columns=columns, rows=[[row[name] for name in columns] for row in rows])


@keys.command()
@click.argument("key")
@json_option
@click.pass_obj
def revoke(settings: Settings, key: str, as_json: bool) -> None:
    """Revoke KEY, named by its first characters or its id. At once, and for good."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        hint = service.revoke(session, key, now=runtime.clock()).hint
    show({"revoked": hint}, as_json=as_json, columns=("revoked",), rows=[(hint,)])
