"""accounts and organisations: what whoever runs the exchange does for people, and to them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson

from market.cli import jobs
from market.cli.output import fail, json_option, opened, say, show
from market.models import Organisation, User
from market.runtime import Runtime
from market.services.people import accounts as service
from market.services.people import erasing, invitations, organisations, surviving
from market.services.people.erasing import Erased
from market.services.rights import people
from market.services.rights.access import SYSTEM
from market.services.telling import confirming
from market.settings import Settings
from schemas.accounts import ACCOUNT_ROLES
from schemas.organisations import PLACES

_MOST = 1000


@click.group()
def accounts() -> None:
    """People's accounts."""


@accounts.command("list")
@click.option("--search", "q", default="", help="A part of name or address.")
@click.option("--role", type=click.Choice(ACCOUNT_ROLES), default=None)
@json_option
@click.pass_obj
def list_accounts(settings: Settings, q: str, role: str | None, as_json: bool) -> None:
    """List accounts, at most 1,000."""
    with opened(settings) as runtime, runtime.db.reading() as session:
        rows = [_row(user) for user in service.listed(session, q=q, role=role or "", limit=_MOST)]
    columns = ("email", "name", "roles", "active", "verified")
    show(rows, as_json=as_json, columns=columns, rows=[[row[name] for name in columns] for row in rows])


def _row(user: User) -> dict[str, Any]:
    return {
        "id": str(user.id),
        "email": user.email,
        "name": user.name,
        "roles": user.roles,
        "active": user.active,
        "verified": user.email_verified_at,
    }


@accounts.command()
@click.argument("email")
@click.option("--name", required=True)
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh")
@click.option("--role", "roles", type=click.Choice(ACCOUNT_ROLES), multiple=True)
@json_option
@click.pass_obj
def create(settings: Settings, email: str, name: str, language: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Make an account for EMAIL; prints a link that sets its password, good for a day and once."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        now = runtime.clock()
        user = service.create(session, email=email, name=name, language=language, now=now)
        if roles:
            service.give_roles(session, SYSTEM, user, roles, now=now)
        until = now + confirming.GOOD_FOR
        link = confirming.handed_over(runtime.links, user, until=until)
    show({"email": email, "link": link}, as_json=as_json, columns=("link (for this person alone)",), rows=[(link,)])


@accounts.command()
@click.argument("email")
@click.option("--organisation", required=True, help="By id or the key it was loaded with.")
@click.option("--role", "roles", type=click.Choice(PLACES), multiple=True, default=("member",))
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh")
@json_option
@click.pass_obj
def invite(
    settings: Settings, email: str, organisation: str, roles: tuple[str, ...], language: str, as_json: bool
) -> None:
    """Invite EMAIL to an organisation; prints the token, which is shown this once."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        place = people.organisation_called(session, organisation)
        wanted = {"email": email, "roles": list(roles), "language": language}
        _, token = invitations.create(session, SYSTEM, place.id, wanted, now=runtime.clock())
    show({"token": token}, as_json=as_json, columns=("token (shown this once)",), rows=[(token,)])


@accounts.command()
@click.argument("email")
@json_option
@click.pass_obj
def verify(settings: Settings, email: str, as_json: bool) -> None:
    """Note that EMAIL is its owner's, where no mail can show it."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        service.confirm(session, SYSTEM, people.user(session, email), now=runtime.clock())
    show({"verified": email}, as_json=as_json, columns=("verified",), rows=[(email,)])


@accounts.command()
@click.argument("email")
@json_option
@click.pass_obj
def deactivate(settings: Settings, email: str, as_json: bool) -> None:
    """Close the account of EMAIL: its keys end, and it is told nothing more."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        service.deactivate(session, SYSTEM, people.user(session, email), now=runtime.clock())
    show({"deactivated": email}, as_json=as_json, columns=("deactivated",), rows=[(email,)])


@accounts.command()
@click.argument("email")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write what went and what is left here."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def erase(settings: Settings, email: str, report: Path | None, yes: bool, as_json: bool) -> None:
    """Erase the person of EMAIL, for good, then look whether anything is left of them.

    Runs the jobs that are due, where no worker holds the index.
    """
    if not yes and not click.confirm(f"Erase {email} for good?", err=True):
        fail("Nothing was erased.")
    with opened(settings) as runtime, runtime.db.writing() as session:
        erased = erasing.erase(session, SYSTEM, people.user(session, email), now=runtime.clock())
    with opened(settings, writes_index=settings.search.startswith("embedded")) as runtime:
        jobs.drain_with_progress(runtime, quiet=as_json, background=False)
        told = _report(runtime, erased)
    if report is not None:
        report.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    tables = sorted({*erased.gone, *erased.changed})
    show(
        told,
        as_json=as_json,
        columns=("table", "rows erased", "rows changed"),
        rows=[(name, erased.gone.get(name, 0), erased.changed.get(name, 0)) for name in tables],
    )
    for one in told["remains"] if not as_json else ():
        say(f"{one['table']}.{one['column']}: {one['what']} in {one['rows']} rows; {one['why']}.")


def _report(runtime: Runtime, erased: Erased) -> dict[str, Any]:
    with runtime.db.reading() as session:
        remains = [asdict(one) for one in surviving.in_database(session, erased.subject)]
    return {
        "account": str(erased.subject.user_id),
        "gone": erased.gone,
        "changed": erased.changed,
        "headless": erased.headless,
        "remains": remains,
        "index": surviving.in_index(runtime.engine, erased.subject),
        "beyond": surviving.BEYOND,
    }


@click.group("organisations")
def organisations_group() -> None:
    """Organisations: who they are, and whether that is so."""


@organisations_group.command("list")
@click.option("--search", "q", default="", help="A part of the name.")
@click.option("--verification", type=click.Choice(["unverified", "requested", "verified", "refused"]), default=None)
@json_option
@click.pass_obj
def list_organisations(settings: Settings, q: str, verification: str | None, as_json: bool) -> None:
    """List organisations that are not closed, at most 1,000."""
    with opened(settings) as runtime, runtime.db.reading() as session:
        found = people.organisations(session, q=q, verification=verification or "", limit=_MOST)
        rows = [_organisation(one) for one in found]
    columns = ("id", "name", "credit_code", "verification", "trusted")
    show(rows, as_json=as_json, columns=columns, rows=[[row[name] for name in columns] for row in rows])


def _organisation(one: Organisation) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "name": organisations.called(one, "zh"),
        "credit_code": one.credit_code,
        "verification": one.verification,
        "trusted": one.trusted,
        "active": one.active,
    }


@organisations_group.command("verify")
@click.argument("organisation")
@click.option("--trusted/--not-trusted", default=None, help="Whether it publishes without review.")
@json_option
@click.pass_obj
def verify_organisation(settings: Settings, organisation: str, trusted: bool | None, as_json: bool) -> None:
    """Verify ORGANISATION, named by id or the key it was loaded with."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        place = people.organisation_called(session, organisation)
        done = organisations.verify(session, SYSTEM, place.id, trusted=trusted, now=runtime.clock())
        row = _organisation(done)
    show(row, as_json=as_json, columns=tuple(row), rows=[tuple(row.values())])


@organisations_group.command("deactivate")
@click.argument("organisation")
@json_option
@click.pass_obj
def deactivate_organisation(settings: Settings, organisation: str, as_json: bool) -> None:
    """Close ORGANISATION: what it has published is suspended."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        place = people.organisation_called(session, organisation)
        row = _organisation(organisations.deactivate(session, SYSTEM, place.id, now=runtime.clock()))
    show(row, as_json=as_json, columns=tuple(row), rows=[tuple(row.values())])
