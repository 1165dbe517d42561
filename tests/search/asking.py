"""Asks a Meilisearch server as anybody with an HTTP client can, past the engine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.request
from typing import Any

from search.engine import BrowserKey
from tests.servers import GivenServer, MeiliServer

Server = MeiliServer | GivenServer

RUN = f"t{secrets.token_hex(3)}-"
"""Begins every index that the tests of this process make, on a server that others may use too."""


def ask(server: Server, method: str, path: str, body: object = None, *, key: str | None = None) -> tuple[int, Any]:
    """The status and the JSON of the answer; with the server's own key unless another is given."""
    headers = {"Authorization": f"Bearer {server.key if key is None else key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.url}/{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            status, told = response.status, response.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            status, told = refusal.code, refusal.read()
    return status, json.loads(told) if told else None


def done(server: Server, method: str, path: str, body: object = None) -> dict[str, Any]:
    """Has something written, and gives the task once it has ended."""
    status, told = ask(server, method, path, body)
    assert status == 202, told
    while (task := ask(server, "GET", f"tasks/{told['taskUid']}")[1])["status"] in ("enqueued", "processing"):
        time.sleep(0.01)
    return task  # type: ignore[no-any-return]


def indexes(server: Server, prefix: str) -> list[str]:
    """The names of the indexes that begin so."""
    held = ask(server, "GET", "indexes?limit=1000")[1]["results"]
    return sorted(one["uid"] for one in held if one["uid"].startswith(prefix))


def emptied(server: Server, prefix: str) -> None:
    """Remove the documents of the indexes that begin so."""
    for name in indexes(server, prefix):
        if ask(server, "GET", f"indexes/{name}/stats")[1]["numberOfDocuments"]:
            done(server, "DELETE", f"indexes/{name}/documents")


def tasks(server: Server, prefix: str) -> int:
    """How many things the server was ever told to write into the indexes that begin so."""
    names = ",".join(indexes(server, prefix))
    return int(ask(server, "GET", f"tasks?limit=1&indexUids={names}")[1]["total"])


# Tokens, made as the server's documentation says


def parent(server: Server, key: BrowserKey) -> tuple[str, str]:
    """The id and value of the key that a browser's token was made from."""
    body = key.token.split(".")[1]
    identity = json.loads(base64.urlsafe_b64decode(body + "=="))["apiKeyUid"]
    return identity, ask(server, "GET", f"keys/{identity}")[1]["key"]


def encoded(part: object) -> str:
    """A part of a token."""
    return _based(json.dumps(part).encode())


def signed(rules: object, identity: str, value: str, expires: float) -> str:
    """A token of these rules, with the signature of a key."""
    told = {"searchRules": rules, "apiKeyUid": identity, "exp": int(expires)}
    head = f"{encoded({'typ': 'JWT', 'alg': 'HS256'})}.{encoded(told)}"
    return f"{head}.{_based(hmac.digest(value.encode(), head.encode(), hashlib.sha256))}"


def _based(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
