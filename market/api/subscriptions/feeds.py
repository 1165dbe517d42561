"""Atom feeds of subscriptions (RFC 4287): whoever knows the address may read what anybody may see anyway.

A feed that rests, since its subscription is paused or expired, is empty and not gone: a reader that is told of an
error for weeks forgets the feed, and it may go on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET  # only written here, never read

from flask import Blueprint, Flask, Response, request
from werkzeug.wrappers import Response as BaseResponse

from market.api.calls import language, runtime
from market.models import Listing, Subscription
from market.runtime import Runtime
from market.services.subscriptions import answering, subscriptions

ATOM = "http://www.w3.org/2005/Atom"
ENTRIES = 50
_SUMMARY = {"outcome": "summary", "expert": "directions", "demand": "problem"}
_LONGEST_SUMMARY = 500
_PUBLISHER = "Qiao 桥"

# What XML 1.0 cannot hold, not even escaped (section 2.2).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

feeds = Blueprint("feeds", __name__)


@feeds.get("/feeds/<token>.atom")
def feed(token: str) -> BaseResponse:
    """The newest listings that answer the subscription with this token."""
    parts = runtime()
    with parts.db.reading() as session:
        row = subscriptions.by_token(session, token)
        listings: list[Listing] = []
        if not subscriptions.rests(row, parts.clock()):
            scale = parts.scorings.current(session).scale
            listings = answering.newest(
                session, parts.engine, row, model=scale.model, unlike=scale.unlike, limit=ENTRIES
            )
        body = _written(parts, row, listings, language())
    response = Response(body, content_type="application/atom+xml; charset=utf-8")
    response.headers["Cache-Control"] = "private, no-cache"  # each reader asks again whether it is still the same
    response.headers["Vary"] = "Accept-Language"
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    return response.make_conditional(request)


feed.action = "signed.act"  # type: ignore[attr-defined]  # as doors note it: the token is the right


def register(app: Flask) -> None:
    """Serve them."""
    app.register_blueprint(feeds)


def _written(parts: Runtime, row: Subscription, listings: Sequence[Listing], code: str) -> bytes:
    """The document. It does not name its own address, which is secret and would be passed on with it."""
    root = ET.Element(f"{{{ATOM}}}feed")
    _add(root, "id", f"urn:uuid:{row.id}")
    _add(root, "title", row.name)
    _add(root, "updated", _moment(max([row.updated_at, *(one.updated_at for one in listings)])))
    _add(_add(root, "author"), "name", _PUBLISHER)
    for listing in listings:
        _add_entry(root, parts, listing, code)
    ET.register_namespace("", ATOM)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _add_entry(root: ET.Element, parts: Runtime, listing: Listing, code: str) -> None:
    """What the public may know, as plain text: nothing in it is markup."""
    entry = _add(root, "entry")
    _add(entry, "id", f"urn:uuid:{listing.id}")
    _add(entry, "title", listing.heading(code), type="text")
    _add(entry, "link", rel="alternate", href=parts.links.page(listing.NOUN, listing.id))
    _add(entry, "updated", _moment(listing.updated_at))
    if listing.published_at is not None:
        _add(entry, "published", _moment(listing.published_at))
    owner = listing.public_organisation
    if owner is not None:
        names = (owner.name_zh, owner.name_en) if code == "zh" else (owner.name_en, owner.name_zh)
        _add(_add(entry, "author"), "name", names[0] or names[1])
    _add(entry, "summary", _summary(listing, code), type="text")


def _summary(listing: Listing, code: str) -> str:
    """What its text says in short, or its keywords; as far as these are public."""
    name, hidden = _SUMMARY[listing.NOUN], listing.protected
    texts = {one: "" if name in hidden else str(getattr(listing, f"{name}_{one}")) for one in ("zh", "en")}
    keywords = "" if "keywords" in hidden else "，".join(listing.keywords)
    text = texts[code] or texts["zh"] or texts["en"] or keywords
    return text if len(text) <= _LONGEST_SUMMARY else f"{text[: _LONGEST_SUMMARY - 1]}…"


def _add(parent: ET.Element, name: str, text: str = "", **attributes: Any) -> ET.Element:
    element = ET.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    if text:
        element.text = _NOT_XML.sub("\ufffd", text)
    return element


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
