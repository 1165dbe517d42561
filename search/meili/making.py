"""Makes indexes, sets them as declared, tells what differs, and removes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from meilisearch import Client

from search.meili.settings import Settings, differences
from search.meili.tasks import TaskFailed, follow, number_of
from search.meili.transport import Refused, part

MISSING = "missing"
ABANDONED = timedelta(minutes=10)  # what nobody has written into for so long is not being filled


def make(client: Client, name: str, settings: Settings) -> None:
    """Make an empty index with these settings. Raises TaskFailed where there is one."""
    created = number_of(client.http.post("indexes", {"uid": name, "primaryKey": "id"}))
    follow(client, [created, _set(client, name, settings)])


def require(client: Client, name: str, settings: Settings) -> None:
    """Make an index where it is missing, and set it where it has never been set.

    One that is set otherwise is left: all would be indexed again, which is for an operator to decide.
    """
    if not _is_set(client, name):
        set_as(client, name, settings, settings)


def set_as(client: Client, name: str, wanted: Settings, changes: Settings) -> None:
    """Make these changes of an index, or make it as wanted where it is missing."""
    about = _about(client, name)
    if about is None:
        try:
            make(client, name, wanted)
        except TaskFailed as failure:
            if failure.code != "index_already_exists":  # another host was faster; it does the same
                raise
            changes = wanted
        else:
            return
    elif about.get("primaryKey") is None:
        # The server made it, for documents that came when it had lost ours; it has taken none of them.
        follow(client, [number_of(client.http.patch(f"indexes/{name}", {"primaryKey": "id"}))])
    follow(client, [_set(client, name, changes)])


def differing(client: Client, name: str, wanted: Settings) -> Settings:
    """What an index differs in from the settings wanted; only MISSING, where there is none."""
    try:
        present = client.http.get(f"indexes/{name}/settings")
    except Refused as refusal:
        if refusal.code != "index_not_found":
            raise
        return {MISSING: True}
    part(present, "searchableAttributes")
    return differences(wanted, present)


def remove(client: Client, name: str) -> None:
    """Remove an index, if it is there."""
    try:
        follow(client, [number_of(client.http.delete(f"indexes/{name}"))])
    except TaskFailed as failure:
        if failure.code != "index_not_found":
            raise


def marker(client: Client, name: str) -> str:
    """What tells the contents that stand under a name apart, the moment they were made: it moves with them when they
    are swapped. Empty where nothing stands."""
    about = _about(client, name)
    return "" if about is None else str(part(about, "createdAt"))


def held(client: Client) -> Collection[str]:
    """The names of all indexes."""
    names: dict[str, Any] = part(client.http.get("stats"), "indexes")
    return names.keys()


def abandoned(client: Client, names: Iterable[str], *, now: str) -> list[str]:
    """Those of the indexes that nobody is filling, `now` being the server's time."""
    until = datetime.fromisoformat(now) - ABANDONED
    found = ((name, _about(client, name)) for name in names)
    return [name for name, about in found if about and datetime.fromisoformat(part(about, "updatedAt")) < until]


def _set(client: Client, name: str, changes: Settings) -> int:
    return number_of(client.http.patch(f"indexes/{name}/settings", changes))


def _about(client: Client, name: str) -> dict[str, Any] | None:
    try:
        about: dict[str, Any] = client.http.get(f"indexes/{name}")
    except Refused as refusal:
        if refusal.code != "index_not_found":
            raise
        return None
    return about


def _is_set(client: Client, name: str) -> bool:
    """Whether an index is there and settings were once applied: one of ours always has something to filter by."""
    try:
        return bool(client.http.get(f"indexes/{name}/settings/filterable-attributes"))
    except Refused as refusal:
        if refusal.code != "index_not_found":
            raise
        return False
