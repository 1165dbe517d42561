"""That whoever calls is the account's owner, and does not only hold one of its keys; and passwords as they come in.

Passwords are made and compared outside of any transaction, since that takes long.
"""

from __future__ import annotations

from market.api import authentication, limits
from market.api.calls import Call
from market.errors import Forbidden, Invalid, NotOffered
from market.models import User
from market.services.people import keys, passwords, signing_in
from schemas.messages import Message

WRONG = Message("Not your password, or tried too often.", "密码不正确，或尝试过于频繁。")


def require(call: Call, password: str, pointer: str) -> User:
    """That they know the account's password, or, where it has none, have signed in a moment ago; a key with scopes is
    for programs and never enough. Gives the account. Ends the request's reading.

    Raises Forbidden, TooMany, and Invalid, at this place of the input, for a password that is not the one.
    """
    if call.principal.scopes:
        raise Forbidden("key-with-scopes")
    user = call.session.get_one(User, call.principal.user_id)
    if user.password and call.runtime.settings.passwords:
        _require_password(call, user, password, pointer)
        return user
    if not keys.just_signed_in(keys.of_plain(call.session, authentication.plain_key()), now=call.runtime.clock()):
        raise Forbidden("sign-in-again", minutes=keys.JUST.seconds // 60)
    call.session.close()
    return user


def _require_password(call: Call, user: User, password: str, pointer: str) -> None:
    limits.refuse_guessing()
    now = call.runtime.clock()
    attempt = signing_in.begin(call.session, user.email, now=now)
    call.session.close()
    if not passwords.fits(attempt.kept, password):
        limits.failed()
        with call.runtime.db.writing() as session:
            signing_in.fail(session, attempt, now=now)
        raise Invalid({pointer: [WRONG]})


def made(call: Call, password: str, email: str, name: str, pointer: str) -> str:
    """A password as it is kept; nothing for none. Ends the request's reading first. Raises Invalid, NotOffered."""
    if not password:
        return ""
    require_passwords(call)
    passwords.require(password, email=email, name=name, pointer=pointer)
    call.session.close()
    return passwords.made(password)


def require_passwords(call: Call) -> None:
    """That this installation has any. Raises NotOffered."""
    if not call.runtime.settings.passwords:
        raise NotOffered("passwords-off")
