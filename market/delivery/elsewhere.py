"""Every other service that Apprise speaks, by its URL; only those whose host is the vendor's and not the person's."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import unquote

from market.delivery.channels import Receipt, Target
from market.delivery.messages import Message
from market.delivery.plain import Line, fitting, heading

SCHEMES = frozenset(
    {
        "discord",
        "flock",
        "gchat",
        "join",
        "line",
        "pbul",
        "pover",
        "prowl",
        "pushplus",
        "slack",
        "tgram",
        "webex",
        "wxpusher",
        "wxteams",
    }
)
"""Each posts to one host that stands in its own code, whatever the URL says; all but tokens and rooms is fixed.

WeCom, DingTalk and Feishu are not among them: Apprise takes their HTTP 200 for success, and they have channels here.
"""

PARAMETERS = frozenset({"priority", "sound", "silent", "preview", "thread", "topic"})
"""What may be asked for beside the address. Others switch the check of certificates off, change time limits, or name
files and pictures to be fetched."""

LONGEST_URL = 1000
LONGEST_BYTES = 1500  # short enough for each of them to send it in one piece

_LOADING = threading.Lock()
_TRICKS = ("..", "\\", "%2e", "%2f", "%5c", ";")


class AppriseChannel:
    """Sends by Apprise. Whether it went well is all that it tells."""

    def __init__(self, schemes: frozenset[str] = SCHEMES) -> None:
        self._schemes = schemes

    def close(self) -> None:
        """Nothing is kept."""

    def check(self, target: Target) -> None:
        """Raise ValueError for a service that is not allowed, or a URL that its service cannot read."""
        self._service(target)

    def send(self, message: Message, target: Target, *, now: datetime) -> Receipt:  # noqa: ARG002
        """Send it once."""
        try:
            service = self._service(target)
        except ValueError as error:
            return Receipt("refused", detail=str(error))
        name = target.address.partition(":")[0].lower()
        body = _body(fitting(message, lambda some: len(_body(some).encode()) <= LONGEST_BYTES))
        try:
            taken = service.notify(title=heading(message), body=body, body_format="text")
        except Exception as error:  # of seventy authors' code nobody knows what it raises
            return Receipt("failed", detail=f"{name} could not be sent to: {type(error).__name__}")
        return Receipt("sent") if taken else Receipt("failed", detail=f"{name} did not take the message")

    def _service(self, target: Target) -> Any:
        url = target.address
        scheme, colon, rest = url.partition("://")
        if not colon or scheme.lower() not in self._schemes:
            raise ValueError(f"the URL has to begin with one of {', '.join(sorted(self._schemes))}, and ://")
        if len(url) > LONGEST_URL or not url.isprintable() or " " in url:
            raise ValueError(f"the URL is longer than {LONGEST_URL} characters, or holds spaces or invisible ones")
        if any(trick in rest.lower() for trick in _TRICKS):
            raise ValueError("the URL holds dots, slashes or semicolons where no token and no room has any")
        for parameter in filter(None, rest.partition("?")[2].replace("?", "&").split("&")):
            name = unquote(parameter.partition("=")[0]).strip().lower()
            if name not in PARAMETERS:
                raise ValueError(f"after the ? only these may stand: {', '.join(sorted(PARAMETERS))}")
        if target.secrets:
            raise ValueError("what is secret stands in the URL itself; leave the secret out")
        apprise, asset = _library()
        try:
            service = apprise.Apprise.instantiate(url, asset=asset)
        except Exception:
            service = None
        if service is None:
            raise ValueError(f"the URL is none that {scheme.lower()} has; its documentation tells the form")
        return service


def _body(found: Sequence[Line]) -> str:
    return "\n".join(f"{line.text}\n{line.url}" if line.url else line.text for line in found)


def _library() -> tuple[Any, Any]:
    """Apprise and what it may do."""
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> tuple[Any, Any]:
    """Imported at the first use: it brings more than a hundred plugins, some of which warn of their libraries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import apprise  # noqa: PLC0415

        apprise.Apprise.instantiate("json://localhost")  # loads the plugins
    # Both write URLs, and with them keys, into their logs.
    silenced = logging.getLogger("apprise")
    silenced.handlers = [logging.NullHandler()]
    silenced.propagate = False
    silenced.setLevel(logging.CRITICAL + 1)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(
        app_id="Qiao",
        app_desc="Qiao 桥",
        http_redirects=False,
        async_mode=False,
        interpret_escapes=False,
        interpret_emojis=False,
        storage_mode="memory",
    )
    return apprise, asset
