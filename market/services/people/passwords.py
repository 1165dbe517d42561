"""Passwords: what is taken for one, how it is kept (argon2id), how it is compared. Knows no table."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from market.errors import Invalid, Unavailable
from schemas.messages import Message

SHORTEST, LONGEST = 10, 128  # characters
FAILURES = 5
"""Wrong ones in a row before the account's password rests."""
_FIRST_REST, _LONGEST_REST = timedelta(minutes=1), timedelta(hours=1)
# As OWASP has it: 19 MiB, twice. What is kept with less is made anew when its owner comes.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_AT_ONCE = 4
"""Hashes being made at once in a process: 76 MiB at most, however many ask."""
_SECONDS = 10.0
_turns = threading.BoundedSemaphore(_AT_ONCE)

TOO_SHORT = Message("At least {least} characters.", "至少 {least} 个字符。")
TOO_LONG = Message("At most {most} characters.", "最多 {most} 个字符。")
GUESSABLE = Message(
    "Too easy to guess; several words that do not belong together are good.", "过于简单，容易被猜到。"
)
ABOUT_YOU = Message(
    "May not be your name or mail address, nor be made of it.", "不能是您的姓名或邮箱，也不能由其构成。"
)

# What people choose first, in the forms that are long enough; compared without case, and without what is added at
# either end to satisfy rules.
_COMMON = frozenset(
    """
    password passwort passw0rd p@ssword p@ssw0rd pa55word passwords password1 mypassword thepassword qwertyuiop
    qwertyuio qwerty qwerty123 qwerty12345 qwertyuiop123 asdfghjkl asdfghjkl123 asdfghjkl; zxcvbnm zxcvbnm123
    qazwsxedc qazwsx qazwsxedcrfv 1qaz2wsx 1qaz2wsx3edc 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4 q1w2e3r4t5
    zaq12wsx letmein letmeinnow welcome welcome1 welcome123 administrator admin admin123 adminadmin rootroot
    changeme changemenow iloveyou iloveyouforever ilovechina woaini woaini1314 woaini520 woaini1314520 wodemima
    mimamima mima123456 5201314 5201314520 1314520 1314521 aini1314 nihao nihao123 zhongguo china woaizhongguo
    beijing tianjin shanghai football baseball basketball superman batman starwars trustno1 sunshine princess
    dragon monkey shadow master michael jordan jennifer computer internet whatever freedom hello helloworld
    hello123 secret secretsecret abcdefghij abcdefghijk abcdefgh abc123 abc123456 abc12345678 abcd1234 abcd123456
    a123456 a123456789 aa123456 aa123456789 abcdef abcdefg qweasd qweasdzxc qwe123 qwe123456 qweqwe asdasd
    asdfasdf asdf1234 zxc123 test testtest test1234 test123456 guest guestguest user username default temporary
    qiao qiaoqiao exchange technology marketplace
    """.split()  # noqa: SIM905  # a list of them would be four times as long
)
_ROWS = ("01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
_ADDED = "0123456789!@#$%^&*()-_=+.,?~ "


def refusal(password: str, *, email: str, name: str) -> Message | None:
    """Why it is not taken; None where it is."""
    if len(password) < SHORTEST:
        return TOO_SHORT.format(least=SHORTEST)
    if len(password) > LONGEST:
        return TOO_LONG.format(most=LONGEST)
    plain = password.casefold()
    own = {part.casefold() for part in (email, email.partition("@")[0], name, name.replace(" ", "")) if len(part) > 2}
    bare = {plain, plain.strip(_ADDED), plain.replace(" ", "")}
    if bare & own:
        return ABOUT_YOU
    repeated = len(set(plain)) < 4 or any(plain in row * 2 for row in _ROWS)
    halves = (
        plain[: len(plain) // 2] == plain[len(plain) // 2 :] and plain[: len(plain) // 2].strip(_ADDED) in _COMMON
    )
    return GUESSABLE if repeated or halves or bare & _COMMON else None


def require(password: str, *, email: str, name: str, pointer: str) -> None:
    """Raises Invalid, at this place of the input, for one that is not taken."""
    why = refusal(password, email=email, name=name)
    if why is not None:
        raise Invalid({pointer: [why]})


def made(password: str) -> str:
    """What is kept of it. Takes its time: never within a transaction that others wait for. Raises Unavailable."""
    with _turn():
        return _HASHER.hash(password)


def fits(kept: str, password: str) -> bool:
    """Whether it is the one; where none is kept, no, after as long. As slow as `made`, and raises as it does."""
    with _turn():
        try:
            return _HASHER.verify(kept or _nobodys(), password[: LONGEST + 1]) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


def outdated(kept: str) -> bool:
    """Whether it was made with less effort than is made now."""
    return _HASHER.check_needs_rehash(kept)


def rest(failures: int) -> timedelta:
    """For how long nothing is compared after so many failures in a row."""
    if failures < FAILURES:
        return timedelta(0)
    return min(_FIRST_REST * (1 << min(failures - FAILURES, 10)), _LONGEST_REST)


def resting(until: datetime | None, *, now: datetime) -> bool:
    """Whether such a rest is on."""
    return until is not None and until > now


@cache
def _nobodys() -> str:
    """Compared with where there is no account, so that whoever measures learns nothing."""
    return _HASHER.hash("nobody has this password")


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=_SECONDS):
        raise Unavailable
    try:
        yield
    finally:
        _turns.release()
