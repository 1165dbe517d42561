"""One request as a view sees it: the caller, the session, the language, the runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Request, current_app, request
from sqlmodel import Session

from market.errors import Stale, VersionRequired
from market.runtime import Runtime
from market.services.rights.access import Principal


@dataclass(frozen=True, slots=True)
class Call:
    """Handed to every view. The session is one transaction: to read, or to write and commit at the end."""

    session: Session
    principal: Principal
    runtime: Runtime
    language: str
    if_match: int | None = None


def runtime() -> Runtime:
    """The runtime this application was made with."""
    return cast("Runtime", current_app.extensions["market"])


def language(asked: Request | None = None) -> str:
    """zh or en, by Accept-Language; without one, English if the client says nothing of Chinese."""
    accepted = (asked or request).accept_languages
    return "zh" if (accepted.best_match(["en", "zh", "zh-CN", "zh-TW", "zh-HK"]) or "en").startswith("zh") else "en"


def version_wanted(*, required: bool) -> int | None:
    """The version that If-Match names. Raises VersionRequired, or Stale where it can be no version of ours."""
    header = request.headers.get("If-Match")
    if header is None:
        if required:
            raise VersionRequired
        return None
    tag = header.strip().removeprefix("W/").strip('"')
    if not (tag.isascii() and tag.isdigit() and len(tag) < 10):
        raise Stale(given=header[:40])
    return int(tag)
