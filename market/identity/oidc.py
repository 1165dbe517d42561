"""OpenID Connect by discovery: the code flow with PKCE, state and nonce; id_tokens are verified, never only read."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from market.identity.contract import Begun, NotVouched, ProviderAway, Returned, Vouched

ALGORITHMS = ("RS256", "ES256")
"""What an id_token may be signed with: with a key that only the provider has, whatever the token itself says."""
LEEWAY = 60  # seconds by which clocks may differ
_KEPT = 3600.0  # seconds for which what the provider publishes of itself is remembered
_ASKED_AGAIN = 60.0  # seconds after which unknown keys are looked for once more
_LARGEST = 512 * 1024
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Client:
    """How this service is known to a provider. `orcid`: the provider is ORCID, whose subjects are ORCID iDs."""

    name: str
    issuer: str
    client_id: str
    client_secret: str
    orcid: bool = False
    scope: str = "openid email profile"


class OpenIdProvider:
    """One provider. What it publishes of itself is asked for when it is first needed, and remembered for an hour."""

    def __init__(self, client: Client, *, seconds: float = 10.0, loopback: bool = False) -> None:
        """`seconds`: for each request to it. `loopback`: it may stand on this machine, on plain http: for tests.

        Raises ValueError for an issuer that is no https address.
        """
        self.name, self.issuer = client.name, client.issuer
        self._client, self._seconds, self._loopback = client, seconds, loopback
        self._lock = threading.Lock()
        self._about: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        if not self._trustworthy(client.issuer):
            raise ValueError(f"the issuer of {client.name} has to begin with https://")

    def begin(self, back: str) -> Begun:
        """Start a sign-in."""
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        endpoint = self._endpoint("authorization_endpoint")
        with self._session(back) as session:
            url, state = session.create_authorization_url(
                endpoint, state=secrets.token_urlsafe(32), code_verifier=verifier, nonce=nonce
            )
        return Begun(url, state, nonce, verifier)

    def finish(self, begun: Begun, returned: Returned, back: str, *, now: datetime) -> Vouched:
        """Who has signed in. The code is taken to the provider that this sign-in began at, and to no other."""
        if not _same(begun.state, returned.state):
            raise NotVouched("the state is not the one this sign-in began with")
        promised = self._described().get("authorization_response_iss_parameter_supported") is True
        if (returned.issuer or promised) and returned.issuer != self.issuer:
            raise NotVouched("the answer is another provider's")
        if returned.error or not returned.code:
            raise NotVouched("the provider gave no code")
        return self._vouched(self._id_token(begun, returned.code, back), begun.nonce, now)

    def close(self) -> None:
        """Nothing is kept open."""

    def _id_token(self, begun: Begun, code: str, back: str) -> str:
        endpoint = self._endpoint("token_endpoint")
        try:
            with self._session(back) as session:
                token = session.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=begun.verifier,
                    redirect_uri=back,
                    timeout=self._seconds,
                )
        except AuthlibBaseError as error:
            raise NotVouched("the provider does not take the code") from error
        except (requests.RequestException, ValueError) as error:
            raise ProviderAway("the provider's token endpoint does not answer") from error
        found = token.get("id_token") if isinstance(token, Mapping) else None
        if not isinstance(found, str):
            raise NotVouched("the provider gave no id_token")
        return found

    def _vouched(self, id_token: str, nonce: str, now: datetime) -> Vouched:
        claims = self._claims(id_token)
        registry = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self._client.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            registry.validate(claims)
        except JoseError as error:
            raise NotVouched(f"the id_token does not hold: {error.error}") from error
        party = claims.get("azp")
        if party not in (None, self._client.client_id) or (party is None and _several(claims["aud"])):
            raise NotVouched("the id_token is for somebody else")
        if not _same(nonce, claims.get("nonce")):
            raise NotVouched("the id_token is not of this sign-in")
        subject = claims["sub"]
        if not 0 < len(subject) <= 255:
            raise NotVouched("the id_token names nobody")
        return Vouched(
            issuer=self.issuer,
            subject=subject,
            email=_text(claims.get("email"), 254) if claims.get("email_verified") is True else "",
            name=_name(claims),
            orcid=subject if self._client.orcid else "",
        )

    def _claims(self, id_token: str) -> dict[str, Any]:
        """What it says, once its signature is found to be the provider's. A key that is not known yet may be new."""
        for fresh in (False, True):
            try:
                return jwt.decode(id_token, self._key_set(fresh=fresh), algorithms=ALGORITHMS).claims
            except (JoseError, ValueError, TypeError) as error:
                trouble = error
        raise NotVouched("the id_token is not signed by the provider") from trouble

    def _key_set(self, *, fresh: bool) -> KeySet:
        with self._lock:
            age = time.monotonic() - self._keys[0] if self._keys is not None else _KEPT
            if self._keys is None or age >= (_ASKED_AGAIN if fresh else _KEPT):
                published = self._fetched(self._endpoint_of(self._about_it(), "jwks_uri"))
                signing = [key for key in published.get("keys", ()) if _signs(key)]
                try:
                    self._keys = (time.monotonic(), KeySet.import_key_set({"keys": signing}))
                except (JoseError, ValueError, TypeError) as error:
                    raise ProviderAway("the provider's keys cannot be read") from error
            return self._keys[1]

    def _described(self) -> Mapping[str, Any]:
        with self._lock:
            return self._about_it()

    def _about_it(self) -> Mapping[str, Any]:
        if self._about is None or time.monotonic() - self._about[0] >= _KEPT:
            found = self._fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise ProviderAway("the provider says that it is another")
            self._about = (time.monotonic(), found)
        return self._about[1]

    def _endpoint(self, name: str) -> str:
        return self._endpoint_of(self._described(), name)

    def _endpoint_of(self, about: Mapping[str, Any], name: str) -> str:
        url = about.get(name)
        if not isinstance(url, str) or not self._trustworthy(url):
            raise ProviderAway(f"the provider has no {name} that can be trusted")
        return url

    def _trustworthy(self, url: str) -> bool:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (self._loopback and parts.scheme == "http" and parts.hostname in _LOCAL)
        )

    def _fetched(self, url: str) -> dict[str, Any]:
        try:
            with (
                _careful(requests.Session()) as session,
                session.get(url, timeout=self._seconds, stream=True) as answer,
            ):
                answer.raise_for_status()
                found = orjson.loads(answer.raw.read(_LARGEST, decode_content=True))
        except (requests.RequestException, OSError, ValueError) as error:
            raise ProviderAway("the provider does not say what it offers") from error
        if not isinstance(found, dict):
            raise ProviderAway("the provider does not say what it offers")
        return found

    def _session(self, back: str) -> OAuth2Session:
        session = OAuth2Session(
            self._client.client_id,
            self._client.client_secret,
            scope=self._client.scope,
            redirect_uri=back,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106  # the name of a way, no secret
        )
        return _careful(session)


def _careful(session: requests.Session) -> Any:
    """No proxies or passwords of the environment, and nobody sends us elsewhere."""
    session.trust_env, session.max_redirects = False, 0
    return session


def _signs(key: object) -> bool:
    """Whether it is a public key that signs in one of the ways we take: so that no other kind is ever tried."""
    if not isinstance(key, Mapping) or key.get("use", "sig") != "sig":
        return False
    return key.get("kty") in ("RSA", "EC") and key.get("alg", ALGORITHMS[0]) in ALGORITHMS


def _same(wanted: str, given: object) -> bool:
    return isinstance(given, str) and bool(wanted) and hmac.compare_digest(wanted.encode(), given.encode())


def _several(audience: object) -> bool:
    return isinstance(audience, list) and len(audience) > 1


def _text(value: object, longest: int) -> str:
    text = value.strip() if isinstance(value, str) else ""
    return text if text.isprintable() and len(text) <= longest else ""


def _name(claims: Mapping[str, Any]) -> str:
    parts = (_text(claims.get("given_name"), 128), _text(claims.get("family_name"), 128))
    return _text(claims.get("name"), 128) or _text(" ".join(filter(None, parts)), 128)
