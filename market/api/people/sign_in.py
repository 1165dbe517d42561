"""Signing in: a key for some hours, for a password or for what an identity provider vouches for.

Between a browser's leaving for the provider and its coming back, what must fit again is in a signed cookie of ten
minutes: also by which key a provider is added to an account. There is no session otherwise.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import structlog
from flask import request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.http import dump_cookie

from market.api import authentication, limits
from market.api.calls import Call
from market.api.doors import Answer, Door
from market.api.examples import people as examples
from market.api.people import reauthentication
from market.errors import NotFound, NotOffered, Unauthenticated, Unavailable
from market.identity.contract import Begun, NotVouched, Provider, ProviderAway, Returned
from market.models import User
from market.services.people import keys, passwords, signing_in
from schemas.accounts import Callback, IdentityAdd, IdentityList, IdentityRead, Redirect, SignedIn, SignIn, WaysIn
from schemas.answers import Nothing

log = structlog.get_logger()

door = Door("sign_in", __name__, url_prefix="/api/v1", description="Signing in 登录")

COOKIE = "qiao_sign_in"
MINUTES = 10
_identity, _signed_in = IdentityRead(), SignedIn()


@door.route_to("GET", "/sign-in", action="account.register", answer=WaysIn, example=examples.WAYS_IN)
def list_ways_in(call: Call) -> Answer:
    """How people sign in here."""
    base = call.runtime.settings.base_url
    items = [{"name": name, "url": f"{base}/api/v1/sign-in/{name}"} for name in call.runtime.providers]
    return Answer({"passwords": call.runtime.settings.passwords, "providers": items})


@door.route_to(
    "POST", "/sign-in", action="account.register", body=SignIn, body_example=examples.SIGN_IN,
    answer=SignedIn, example=examples.SIGNED_IN, only_reads=True,
)  # fmt: skip
def sign_in(call: Call, body: dict[str, Any]) -> Answer:
    """Get a key for a password. Whatever is wrong, the answer is the same, and takes as long."""
    settings, now = call.runtime.settings, call.runtime.clock()
    if not settings.passwords:
        raise NotOffered("passwords-off")
    limits.refuse_guessing()
    attempt = signing_in.begin(call.session, body["email"], now=now)
    call.session.close()  # nobody waits for what follows
    if not passwords.fits(attempt.kept, body["password"]):
        limits.failed()
        with call.runtime.db.writing() as session:
            signing_in.fail(session, attempt, now=now)
        raise Unauthenticated("sign-in-failed")
    anew = passwords.made(body["password"]) if passwords.outdated(attempt.kept) else ""
    with call.runtime.db.writing() as session:
        plain, row = signing_in.finish(session, attempt, kept_anew=anew, hours=settings.sign_in_hours, now=now)
    return _given(plain, row.expires_at)


@door.route_to("POST", "/sign-out", action="account.change", body=Nothing, body_example={}, answer=None, status=204)
def sign_out(call: Call, body: dict[str, Any]) -> Answer:  # noqa: ARG001
    """End the key that this request came with."""
    row = keys.of_plain(call.session, authentication.plain_key())
    keys.revoke_own(call.session, call.principal, row.id, now=call.runtime.clock())
    return Answer(status=204)


@door.route_to(
    "GET", "/sign-in/<provider>", action="account.register", answer=Redirect, example=examples.REDIRECT, status=302
)  # fmt: skip
def sign_in_elsewhere(call: Call, provider: str) -> Answer:
    """Go to an identity provider to sign in there."""
    return _sent(call, provider, status=302)


@door.route_to(
    "POST", "/me/identities", action="account.change", body=IdentityAdd, body_example=examples.ADDED,
    answer=Redirect, example=examples.REDIRECT, only_reads=True,
)  # fmt: skip
def add_identity(call: Call, body: dict[str, Any]) -> Answer:
    """Sign in with a provider to this account from now on: the browser that called goes to the address given."""
    key_id = keys.of_plain(call.session, authentication.plain_key()).id
    reauthentication.require(call, body["password"], "/password")
    return _sent(call, body["provider"], status=200, key_id=key_id)


@door.route_to("GET", "/me/identities", action="account.read", answer=IdentityList, example=examples.IDENTITIES)
def list_identities(call: Call) -> Answer:
    """Providers that sign in to your account."""
    assert call.principal.user_id is not None  # the table lets nobody else
    rows = signing_in.identities(call.session, call.principal.user_id)
    return Answer({"items": _identity.dump(rows, many=True)})


@door.route_to("DELETE", "/me/identities/<uuid:identity>", action="account.change", answer=None, status=204)
def remove_identity(call: Call, identity: uuid.UUID) -> Answer:
    """Sign in with it no more."""
    signing_in.unlink(call.session, call.principal, identity, now=call.runtime.clock())
    return Answer(status=204)


@door.route_to(
    "GET", "/sign-in/<provider>/callback", action="account.register", query=Callback, answer=SignedIn,
    example=examples.SIGNED_IN,
)  # fmt: skip
def come_back(call: Call, provider: str, query: dict[str, Any]) -> Answer:
    """Where a provider sends the browser back to. The answer is the key, or, where the installation has a page for
    that, leads to it with the key behind the #. A provider that was added to an account gives no key."""
    page = call.runtime.settings.sign_in_page
    try:
        answer = _come_back(call, provider, query)
    except Unauthenticated as error:
        if not page:
            raise
        return _to_page(page, {"error": error.code})
    forgotten = {"Set-Cookie": _cookie(call, "", 0)}
    if not page:
        return Answer(answer.body, headers=forgotten, shown_once=answer.shown_once)
    return _to_page(page, {name: value for name, value in answer.body.items() if value}, forgotten)


def _come_back(call: Call, name: str, query: dict[str, Any]) -> Answer:
    provider = _provider(call, name)
    begun, key_id = _remembered(call, name)
    call.session.close()  # the provider's server may take its time
    now = call.runtime.clock()
    returned = Returned(query["code"], query["state"], query["iss"], query["error"])
    try:
        vouched = provider.finish(begun, returned, _back(call, name), now=now)
    except NotVouched as error:
        log.warning("sign-in refused", provider=name, reason=str(error))
        raise Unauthenticated("not-vouched") from error
    except ProviderAway as error:
        log.warning("provider away", provider=name, reason=str(error))
        raise Unavailable("provider-away") from error
    with call.runtime.db.writing() as session:
        if key_id is not None:
            key = keys.still_good(session, key_id, now=now)
            signing_in.link(session, session.get_one(User, key.user_id), name, vouched, now=now, warned=True)
            return _given(None, None, linked=name)
        user = signing_in.vouched_for(session, name, vouched, language=call.language, now=now)
        plain, row = signing_in.admit(session, user, hours=call.runtime.settings.sign_in_hours, now=now)
        return _given(plain, row.expires_at)


def _sent(call: Call, name: str, *, status: int, key_id: uuid.UUID | None = None) -> Answer:
    provider = _provider(call, name)
    call.session.close()
    try:
        begun = provider.begin(_back(call, name))
    except ProviderAway as error:
        log.warning("provider away", provider=name, reason=str(error))
        raise Unavailable("provider-away") from error
    until = int(call.runtime.clock().timestamp()) + MINUTES * 60
    by = key_id.hex if key_id is not None else ""
    kept = _signer(call).dumps([name, begun.state, begun.nonce, begun.verifier, until, by])
    headers = {"Set-Cookie": _cookie(call, str(kept), MINUTES * 60), "Cache-Control": "no-store"}
    if status == 302:
        headers["Location"] = begun.url
    return Answer({"url": begun.url}, status, headers=headers)


def _remembered(call: Call, name: str) -> tuple[Begun, uuid.UUID | None]:
    """What this browser left with, and the key of who wants to add a provider. Raises Unauthenticated."""
    try:
        kept, state, nonce, verifier, until, by = _signer(call).loads(request.cookies.get(COOKIE, ""))
    except (BadSignature, ValueError, TypeError):
        raise Unauthenticated("not-vouched") from None
    if kept != name or until <= call.runtime.clock().timestamp():
        raise Unauthenticated("not-vouched")
    return Begun("", state, nonce, verifier), uuid.UUID(by) if by else None


def _provider(call: Call, name: str) -> Provider:
    if name not in call.runtime.providers:
        raise NotFound(noun="provider", id=name)
    return call.runtime.providers[name]


def _back(call: Call, name: str) -> str:
    return f"{call.runtime.settings.base_url}/api/v1/sign-in/{name}/callback"


def _signer(call: Call) -> URLSafeSerializer:
    return URLSafeSerializer(call.runtime.secret, salt="sign-in-by-key")


def _cookie(call: Call, value: str, seconds: int) -> str:
    settings = call.runtime.settings
    secure = settings.environment == "production" or settings.base_url.startswith("https:")
    return dump_cookie(COOKIE, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="Lax")


def _given(plain: str | None, until: datetime | None, *, linked: str = "") -> Answer:
    return Answer(_signed_in.dump({"key": plain, "expires_at": until, "linked": linked}), shown_once=("key",))


def _to_page(page: str, fragment: dict[str, str], headers: dict[str, str] | None = None) -> Answer:
    location = {"Location": f"{page}#{urlencode(fragment)}", "Cache-Control": "no-store"}
    return Answer(None, 302, headers={**location, **(headers or {})})
