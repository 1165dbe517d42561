"""channels, deliveries, digests, endpoints: how people are told outside their inboxes."""

from __future__ import annotations

import sys
import uuid
from typing import Any

import click
from sqlmodel import Session, col, select

from market.cli.output import fail, json_option, opened, say, show
from market.delivery.channels import Target
from market.delivery.messages import Message
from market.delivery.rendering import render
from market.errors import NotFound
from market.models import Endpoint, User
from market.models.base import new_id
from market.services.rights import people
from market.services.telling import composing
from market.services.telling import deliveries as sent
from market.services.telling import endpoints as places
from market.settings import Settings, from_environment
from market.vault import VaultError, new_key
from market.vocabulary import vocabulary

_CHANNELS = vocabulary("channels")
_TRIAL = {"zh": "桥：测试消息", "en": "Qiao: a trial message"}


@click.group()
def channels() -> None:
    """Channels by which people are told."""


@channels.command("list")
@json_option
@click.pass_obj
def list_channels(settings: Settings, as_json: bool) -> None:
    """List the channels, and which of them this installation offers."""
    with opened(settings) as runtime:
        rows = [
            {"channel": term.code, "zh": term.zh, "en": term.en, "offered": term.code in runtime.post.channels}
            for term in _CHANNELS
        ]
    show(rows, as_json=as_json, columns=("channel", "zh", "en", "offered"), rows=[[*row.values()] for row in rows])


@channels.command("test")
@click.argument("channel", type=click.Choice(_CHANNELS.codes))
@click.argument("address")
@click.option("--secret", default="", help="What signs: a webhook needs one, a robot may have one.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@json_option
@click.pass_obj
def try_channel(settings: Settings, channel: str, address: str, secret: str, language: str, as_json: bool) -> None:
    """Send a trial message to ADDRESS by CHANNEL, now and once, and say what became of it."""
    message = Message(str(new_id()), "test", language, "", _TRIAL[language])
    target = Target(address, (secret,) if secret else ())
    with opened(settings) as runtime:
        used = runtime.post.channels.get(channel)
        if used is None:
            fail(f"{channel} is not offered here. For mail, set MARKET_MAIL_URL and MARKET_MAIL_FROM.")
        try:
            used.check(target)
        except ValueError as error:
            fail(f"{error}." + ("" if secret else " A secret is given with --secret."))
        receipt = used.send(message, target, now=runtime.clock())
    told = {"id": message.id, "outcome": receipt.outcome, "status": receipt.status, "detail": receipt.detail}
    show(told, as_json=as_json, columns=(*told,), rows=[[*told.values()]])
    if receipt.outcome != "sent":
        sys.exit(1)


@click.group()
def deliveries() -> None:
    """What was sent, and what became of it."""


@deliveries.command("list")
@click.option("--state", type=click.Choice(vocabulary("delivery_states").codes), help="Only these.")
@click.option("--user", "email", help="Only this person's, named by mail address.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@json_option
@click.pass_obj
def list_deliveries(settings: Settings, state: str | None, email: str | None, limit: int, as_json: bool) -> None:
    """List deliveries, the newest first, each with its last attempt."""
    with opened(settings) as runtime, runtime.db.reading() as session:
        user_id = _user(session, email).id if email else None
        found = sent.listed(session, user_id=user_id, state=state or "", limit=limit)
        log = sent.attempts(session, [one.id for one, _ in found])
        rows = [
            {
                **delivery.model_dump(mode="json"),
                "channel": endpoint.channel,
                "last": log[delivery.id][-1].model_dump(mode="json") if log[delivery.id] else None,
            }
            for delivery, endpoint in found
        ]
    show(
        rows,
        as_json=as_json,
        columns=("id", "channel", "kind", "state", "attempts", "created at", "last outcome", "detail"),
        rows=[
            (
                row["id"], row["channel"], row["kind"], row["state"], row["attempts"], row["created_at"][:19],
                *((row["last"]["outcome"], row["last"]["detail"][:80]) if row["last"] else ("", "")),
            )
            for row in rows
        ],
    )  # fmt: skip


@deliveries.command("replay")
@click.argument("ids", nargs=-1, type=click.UUID)
@click.option("--all-dead", is_flag=True, help="All that were given up.")
@json_option
@click.pass_obj
def replay_deliveries(settings: Settings, ids: tuple[uuid.UUID, ...], all_dead: bool, as_json: bool) -> None:
    """Send what was given up again: what IDS name, or all. At endpoints that are disabled nothing is."""
    if bool(ids) == all_dead:
        fail("Name the deliveries, or give --all-dead; `market deliveries list --state dead` lists them.")
    with opened(settings) as runtime, runtime.db.writing() as session:
        count = sent.replay_dead(session, now=runtime.clock(), ids=None if all_dead else ids)
    if count < len(set(ids)):
        say("Some were not: they are not given up, there are none such, or their endpoints are disabled.")
    show({"replayed": count}, as_json=as_json, columns=("replayed",), rows=[(count,)])


@click.group()
def digests() -> None:
    """What waits to be told."""


@digests.command("preview")
@click.argument("email")
@click.option("--html", "as_html", is_flag=True, help="Print the mail's HTML.")
@json_option
@click.pass_obj
def preview_digest(settings: Settings, email: str, as_html: bool, as_json: bool) -> None:
    """Show what waits for the mail of the person with the address EMAIL. Sends nothing."""
    with opened(settings) as runtime, runtime.db.reading() as session:
        user = _user(session, email)
        mail = next((one for one in places.of_user(session, user.id) if one.channel == "mail"), None)
        now = runtime.clock()
        message = composing.preview(session, runtime.links, mail, user, now=now) if mail else None
        found = {**render(message)._asdict(), "items": len(message.entries)} if message else _NOTHING
    if as_json:
        show(found, as_json=True)
    elif not found["items"]:
        say("Nothing waits.")
    elif as_html:
        click.echo(found["html"])
    else:
        click.echo(f"{found['subject']}\n\n{found['text']}")


_NOTHING: dict[str, Any] = {"subject": "", "text": "", "html": "", "items": 0}


@click.group()
@click.pass_context
def endpoints(context: click.Context) -> None:
    """Where people are told."""
    # new-key makes what the settings want: it must not ask for them first.
    if context.invoked_subcommand != "new-key":
        context.obj = from_environment()


@endpoints.command("list")
@click.option("--user", "email", help="Only this person's, named by mail address.")
@json_option
@click.pass_obj
def list_endpoints(settings: Settings, email: str | None, as_json: bool) -> None:
    """List endpoints, with nothing of them that is secret."""
    with opened(settings) as runtime, runtime.db.reading() as session:
        chosen = select(Endpoint, User).where(Endpoint.user_id == User.id).order_by(col(Endpoint.id))
        if email:
            chosen = chosen.where(User.id == _user(session, email).id)
        rows = [
            {
                "id": str(endpoint.id),
                "user": user.email,
                "channel": endpoint.channel,
                "name": endpoint.name,
                "shown": endpoint.shown or user.email,
                "events": endpoint.events,
                "failing_since": endpoint.failing_since,
                "disabled_for": endpoint.disabled_for,
            }
            for endpoint, user in session.exec(chosen)
        ]
    columns = ("id", "user", "channel", "name", "shown", "failing_since", "disabled_for")
    show(rows, as_json=as_json, columns=columns, rows=[[row[name] for name in columns] for row in rows])


@endpoints.command("new-key")
@json_option
def make_key(as_json: bool) -> None:
    """Make a key for MARKET_ENCRYPTION_KEYS. Put it first there, before the older ones, then rotate-key."""
    key = new_key()
    show({"key": key}, as_json=as_json, columns=("key (shown this once)",), rows=[(key,)])


@endpoints.command("rotate-key")
@json_option
@click.pass_obj
def rotate_key(settings: Settings, as_json: bool) -> None:
    """Seal every address and secret again with the first of MARKET_ENCRYPTION_KEYS; then the others can go."""
    with opened(settings) as runtime, runtime.db.writing() as session:
        try:
            count = places.seal_all_again(session, runtime.post.vault)
        except VaultError as error:
            fail(f"{error} Add that key at the end of MARKET_ENCRYPTION_KEYS; nothing was changed.")
    show({"sealed": count}, as_json=as_json, columns=("sealed again",), rows=[(count,)])


def _user(session: Session, email: str) -> User:
    try:
        return people.user(session, email)
    except NotFound:
        fail(f"Nobody has the address {email}. `market keys list` shows the addresses of those who have a key.")
