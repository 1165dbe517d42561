"""Limits: how often one may ask within a minute, and how much one may use in a day; and what every answer says of it.

A limit refuses before the view is called, but never because the limiter itself has failed: then it lets pass.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache, wraps
from typing import Any, NoReturn, TypeVar

import structlog
from flask import Flask, Response, current_app, g, request
from sqlmodel import Session

from market.api.calls import runtime
from market.db import AWAY, why
from market.errors import TooMany
from market.rights.quotas import Quota
from market.runtime import Runtime
from market.services.rights.access import Principal
from market.services.trail import usage
from market.services.trail.usage import Meters

log = structlog.get_logger()

FLUSH_SECONDS = 2.0
"""So often each process adds to the table what it has counted."""
_DAY = 86_400
_STAFF = frozenset({"reviewer", "auditor"})
_NEVER = frozenset({"/healthz", "/readyz", "/metrics"})
_SIGNED = "signed.act"  # whoever comes with a signed link, or with what a mail provider reports
_SEARCHES = frozenset({"listing.search", "listing.export", "match.text"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

Hook = TypeVar("Hook", bound=Callable[..., Any])


@dataclass(slots=True)
class _Asked:
    """What a request is counted under. `told` is for its answer: name, quota, window, left, seconds to its end."""

    address: str
    now: datetime
    day: date
    who: str = "visitor"
    subject: str = ""
    window: str = ""
    quota: Quota | None = None
    told: list[tuple[str, int, int, int, float]] = field(default_factory=list)


def register(app: Flask) -> None:
    """Hook in."""
    app.before_request(_begin)
    app.after_request(_end)


def _harmless(hook: Hook) -> Hook:
    """A limiter that fails lets pass, and says so in the log."""

    @wraps(hook)
    def safely(*arguments: Any) -> Any:
        try:
            return hook(*arguments)
        except (TooMany, *AWAY):
            raise  # without the database the request could not be answered anyway
        except Exception as error:
            log.exception("limiter failed", exc_info=error)
            return None

    return safely  # type: ignore[return-value]  # it has the same shape


@_harmless
def _begin() -> None:
    g.asked = None
    if request.path in _NEVER or not runtime().settings.limits:
        return
    now = runtime().clock()
    g.asked = asked = _Asked(_network(request.remote_addr or ""), now, usage.day_of(now))
    if "Authorization" in request.headers:
        _refuse_guessing(asked)
    if not _is_authenticated():
        _count_minute(asked, f"address:{asked.address}", runtime().meters.quotas["visitor"])


def _is_authenticated() -> bool:
    """Whether `admit` will be called: routes of doors and streams are, links and pages are not."""
    action = _action()
    return action not in ("", _SIGNED) or (request.blueprint or "") == "bounces"


def _action() -> str:
    return getattr(current_app.view_functions.get(request.endpoint or ""), "action", "")


def _refuse_guessing(asked: _Asked) -> None:
    """Whoever has tried many keys in vain waits, before the database is asked about another one."""
    most = runtime().settings.bad_keys_per_minute
    count, seconds = runtime().meters.failures.seen(asked.address, asked.now.timestamp())
    if count >= most:
        _refuse(asked, "bad-keys", most, seconds)


@_harmless
def refuse_guessing() -> None:
    """Before a password is compared. Raises TooMany for an address that has tried many in vain."""
    asked: _Asked | None = g.get("asked")
    if asked is not None:
        _refuse_guessing(asked)


@_harmless
def failed() -> None:
    """A key or a password was wrong: their number is limited by address."""
    asked: _Asked | None = g.get("asked")
    if asked is not None:
        runtime().meters.failures.hit(asked.address, asked.now.timestamp())


@_harmless
def admit(session: Session, principal: Principal, key_id: uuid.UUID | None) -> None:
    """Count this request, once its caller is known. Raises TooMany."""
    asked: _Asked | None = g.get("asked")
    if asked is None:
        return
    meters = runtime().meters
    asked.who, quota = _quota(meters, principal)
    asked.quota = quota
    asked.subject = f"address:{asked.address}" if principal.user_id is None else f"user:{principal.user_id}"
    asked.window = f"key:{key_id}" if key_id is not None else asked.subject
    _count_minute(asked, asked.window, quota)
    if _action() == _SIGNED:
        return
    if not meters.tally.knows(asked.day, asked.subject):
        meters.tally.learn(asked.day, asked.subject, usage.of_subject(session, asked.day, asked.subject))
    kinds = ["requests"]
    if _action() in _SEARCHES:
        kinds.append("searches")
    elif request.method not in _READING:
        kinds.append("writes")
    for kind in kinds:
        _require_room(asked, kind, 1)
    for kind in kinds:
        _use(asked, kind, 1)


@_harmless
def weigh(requests: int) -> None:
    """This request takes as long as so many: count the others of them within its minute, too. Raises TooMany."""
    asked: _Asked | None = g.get("asked")
    if asked is None or asked.quota is None:
        return
    told, asked.told = asked.told, []
    for _ in range(requests - 1):
        asked.told.clear()
        _count_minute(asked, asked.window, asked.quota)
    asked.told += [one for one in told if one[0] != "minute"]


@_harmless
def show(body: Any) -> None:
    """Count the profiles of experts in an answer that is about to be given. Raises TooMany."""
    asked: _Asked | None = g.get("asked")
    if asked is None or not asked.subject:
        return
    profiles = _profiles(body)
    if not profiles:
        return
    tally = runtime().meters.tally
    unseen = tally.unseen(asked.day, asked.subject, profiles)
    _require_room(asked, "experts", len(unseen))
    _use(asked, "experts", len(unseen))
    tally.see(asked.day, asked.subject, unseen)


def exporter(noun: str) -> Callable[[int], None]:
    """What an export calls with the number of rows it writes: it counts them, and may be called when the request's
    own context has ended. Raises TooMany, at once, where the caller may export nothing more today."""
    asked: _Asked | None = g.get("asked")
    if asked is None:
        return lambda _: None
    tally, day, subject = runtime().meters.tally, asked.day, asked.subject

    def count(rows: int) -> None:
        for kind in _kinds_of_export(noun):
            tally.add(day, subject, kind, rows)

    for kind in _kinds_of_export(noun):
        _require_room(asked, kind, 1)
    return count


def exports_left(noun: str) -> int | None:
    """How many rows of this noun the caller may still export today; None without limit. An export that ends there is
    whole as far as it goes; one that is refused in its middle would not be."""
    asked: _Asked | None = g.get("asked")
    if asked is None or asked.quota is None:
        return None
    tally = runtime().meters.tally
    left = [
        most - tally.used(asked.day, asked.subject, kind)
        for kind in _kinds_of_export(noun)
        if (most := asked.quota.per_day[kind]) is not None
    ]
    return max(0, min(left)) if left else None


def _kinds_of_export(noun: str) -> tuple[str, ...]:
    return ("exports", "experts") if noun == "expert" else ("exports",)


def _quota(meters: Meters, principal: Principal) -> tuple[str, Quota]:
    if principal.user_id is None:
        who = "visitor"
    elif "administrator" in principal.roles:
        who = "administrator"
    elif principal.roles & _STAFF:
        who = "staff"
    else:
        who = "verified" if principal.verified else "registered"
    return who, meters.quotas[who]


def _count_minute(asked: _Asked, subject: str, quota: Quota) -> None:
    if quota.per_minute is None:
        return
    windows = runtime().meters.minute
    count, seconds = windows.hit(subject, asked.now.timestamp())
    asked.told.append(("minute", quota.per_minute, round(windows.seconds), max(0, quota.per_minute - count), seconds))
    if count > quota.per_minute:
        _refuse(asked, "minute", quota.per_minute, seconds)


def _require_room(asked: _Asked, kind: str, count: int) -> None:
    most = asked.quota.per_day[kind] if asked.quota else None
    if most is None:
        return
    used = runtime().meters.tally.used(asked.day, asked.subject, kind)
    if used + count > most:
        left, seconds = max(0, most - used), usage.seconds_left(asked.now)
        asked.told.append((kind, most, _DAY, left, seconds))
        _refuse(asked, kind, most, seconds)


def _use(asked: _Asked, kind: str, count: int) -> None:
    used = runtime().meters.tally.add(asked.day, asked.subject, kind, count)
    most = asked.quota.per_day[kind] if asked.quota else None
    if most is not None:
        asked.told.append((kind, most, _DAY, max(0, most - used), usage.seconds_left(asked.now)))


def _refuse(asked: _Asked, policy: str, most: int, seconds: float) -> NoReturn:
    log.warning("limited", policy=policy, who=asked.who, subject=asked.subject or f"address:{asked.address}")
    again_in = timedelta(seconds=seconds)
    if policy == "experts":
        raise TooMany("too-many-profiles", again_in=again_in, most=most)
    raise TooMany("too-many-requests", again_in=again_in, policy=policy, most=most)


@_harmless
def _told(response: Response) -> None:
    asked: _Asked | None = g.get("asked")
    if asked is None:
        return
    if response.status_code == 401 and "Authorization" in request.headers:
        failed()
    if asked.told:
        response.headers["RateLimit-Policy"] = ", ".join(
            f'"{name}";q={quota};w={window}' for name, quota, window, _, _ in asked.told
        )
        response.headers["RateLimit"] = ", ".join(
            f'"{name}";r={left};t={math.ceil(seconds)}' for name, _, _, left, seconds in asked.told
        )


def _end(response: Response) -> Response:
    _told(response)
    return response


def _profiles(body: Any) -> list[int]:
    """The experts that an answer holds, as numbers: of a search of experts or of everything, or a single one."""
    if not isinstance(body, Mapping):
        return []
    if request.endpoint == "experts.read_expert":
        found: Sequence[Any] = [body]
    elif request.endpoint == "experts.search_experts":
        found = body.get("items", ())
    elif request.endpoint == "search.search":
        found = [item for item in body.get("items", ()) if item.get("type") == "expert"]
    else:
        return []
    return [uuid.UUID(str(one["id"])).int for one in found]


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """Who shares a limit: one IPv4 address, or the 64 bits of IPv6 that one household or host is given."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
        parsed = parsed.ipv4_mapped
    return str(parsed)


def flush(service: Runtime) -> bool:
    """Add what was counted to the table. False where the database was away: it is kept for the next time."""
    meters = service.meters
    with meters.flushing:
        counts = meters.tally.take()
        if not counts:
            return True
        try:
            with service.db.writing() as session:
                totals = usage.add(session, counts)
        except AWAY as error:
            meters.tally.put_back()
            log.warning("usage not kept yet", error=why(error))
            return False
        except BaseException:
            meters.tally.put_back()
            raise
        meters.tally.settle(totals, today=usage.day_of(service.clock()))
        return True


def keep_flushing(service: Runtime) -> Callable[[], None]:
    """Flush every few seconds on a thread of its own, until what is given back is called, which flushes once more."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(FLUSH_SECONDS):
            try:
                flush(service)
            except Exception as error:  # the next one may go well
                log.exception("usage not kept", exc_info=error)

    thread = threading.Thread(target=run, name="usage", daemon=True)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join(5.0)
        flush(service)

    return end
