"""A small OpenID provider on this machine, which can be told to cheat. Asserts nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT, SECRET = "qiao", "a-secret-of-the-client"
Claims = dict[str, Any]

_RSA = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
_EC = ECKey.generate_key("P-256", {"kid": "curve", "use": "sig", "alg": "ES256"})
_STRANGE = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})


@dataclass
class OpenIdServer:
    """What it says of whom; `spoil` changes the claims of an id_token, `sign` how it is signed."""

    url: str = ""
    now: Callable[[], int] = lambda: 0
    who: Claims = field(default_factory=lambda: {"sub": "person-1"})
    spoil: Callable[[Claims], Claims] = lambda claims: claims
    sign: str = "RS256"
    issuer: str = ""  # as it names itself, where it lies
    mixed_up: str = ""  # the `iss` it sends browsers back with
    asked: list[str] = field(default_factory=list)
    codes: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def setting(self, name: str = "campus", **more: Any) -> str:
        """As MARKET_OIDC_PROVIDERS has it."""
        entry = {"name": name, "issuer": self.url, "client_id": CLIENT, "client_secret": SECRET, **more}
        return json.dumps([entry])

    def authorise(self, url: str) -> str:
        """What a browser does there: sign in, and be sent back to this address."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(8)
        self.codes[code] = (asked["nonce"], asked["code_challenge"], asked["redirect_uri"])
        back = {"code": code, "state": asked["state"], **({"iss": self.mixed_up} if self.mixed_up else {})}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Claims]:
        """The token endpoint: a code is good once, for whoever began, with the verifier they began with."""
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        nonce, challenge, back = self.codes.pop(form.get("code", ""), ("", "", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if given != f"{CLIENT}:{SECRET}" or not challenge or proof != challenge or form["redirect_uri"] != back:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(nonce)}

    def id_token(self, nonce: str) -> str:
        """Of whoever `who` says."""
        moment = self.now()
        claims = {
            "iss": self.url, "aud": CLIENT, "iat": moment, "exp": moment + 300, "nonce": nonce, **self.who,
        }  # fmt: skip
        claims = self.spoil(claims)
        if self.sign == "none":
            parts = ({"alg": "none"}, claims)
            return ".".join(_coded(json.dumps(part).encode()) for part in parts) + "."
        if self.sign == "HS256":  # with the public key, as anybody could; libraries refuse to
            parts = ({"alg": "HS256", "kid": "first"}, claims)
            signed = ".".join(_coded(json.dumps(part).encode()) for part in parts)
            return f"{signed}.{_coded(hmac.digest(_RSA.as_pem(private=False), signed.encode(), 'sha256'))}"
        if self.sign == "ES256":
            return jwt.encode({"alg": "ES256", "kid": "curve"}, claims, _EC)
        key = _STRANGE if self.sign == "stranger" else _RSA
        return jwt.encode({"alg": "RS256", "kid": "first"}, claims, key)

    def answer(self, path: str) -> Claims | None:
        """What is published."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer or self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
            }
        if path == "/jwks":
            return {"keys": KeySet([_RSA, _EC]).as_dict(private=False)["keys"]}
        return None


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def serving(now: Callable[[], int]) -> Iterator[OpenIdServer]:
    """One that runs until the block ends."""
    provider = OpenIdServer(now=now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked.append(self.path)
            found = provider.answer(self.path)
            self._send(404 if found is None else 200, found or {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(*provider.token(form, self.headers.get("Authorization", "")))

        def _send(self, status: int, body: Claims) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
