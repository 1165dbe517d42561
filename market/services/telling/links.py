"""The addresses that messages lead to, and the signed tokens in those that act with one click."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from market.errors import NotFound

ACTIONS = ("interest", "dismiss", "snooze")
"""What a notification lets its recipient do with one click."""


@dataclass(frozen=True, slots=True)
class Click:
    """What a token allows, and to whom: an action on a notification, or the end of mails of a kind."""

    action: str
    user_id: uuid.UUID
    about: str  # a notification's id; for the end of mails the kind, or empty for all


class Links:
    """Makes addresses and reads their tokens. A token allows its one deed and nothing else: it opens no session."""

    def __init__(self, base: str, page: str, secret: str) -> None:
        """`base`: where people reach the service; `page`: a listing's page, with {noun} and {id}, or empty."""
        self.base = base
        self._page = page
        self._signer = URLSafeSerializer(secret, salt="one-click")

    def page(self, noun: str, identity: uuid.UUID | str) -> str:
        """A listing's page."""
        template = self._page or f"{self.base}/api/v1/{{noun}}s/{{id}}"
        return template.replace("{noun}", noun).replace("{id}", str(identity))

    @property
    def inbox(self) -> str:
        """One's notifications."""
        return f"{self.base}/api/v1/notifications"

    @property
    def preferences(self) -> str:
        """How one wants to be told."""
        return f"{self.base}/api/v1/preferences"

    def click(self, action: str, user_id: uuid.UUID, about: str = "") -> str:
        """Where one click does this for that person; opening it only shows a page."""
        return f"{self.base}/click/{self.token(action, user_id, about)}"

    def account(self, deed: str, user_id: uuid.UUID, about: str) -> str:
        """Where somebody shows that a mail has reached them, and does what it is about."""
        return f"{self.base}/click/account/{self.token(deed, user_id, about)}"

    def token(self, action: str, user_id: uuid.UUID, about: str = "") -> str:
        """The token of such an address."""
        token = self._signer.dumps([action, user_id.hex, about])
        return token if isinstance(token, str) else token.decode()

    def read(self, token: str) -> Click:
        """What a token allows. Raises NotFound for any that is not ours."""
        try:
            action, user_id, about = self._signer.loads(token)
            return Click(action, uuid.UUID(user_id), about)
        except (BadSignature, ValueError, TypeError):
            raise NotFound(noun="link", id="") from None
