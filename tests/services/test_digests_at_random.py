"""Whatever comes when, with whatever wishes, across changes of the clock: each event is told in exactly one message,
none in quiet hours, no more in a day than the cap allows, and no robot more often than it may be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market.delivery.channels import Receipt, Target
from market.delivery.messages import Message
from market.models import DeliveryItem, Endpoint, Notification
from market.runtime import Runtime
from market.services.telling.endpoints import Post
from tests.factories import SettableClock, add_member
from tests.services.mailbox import add_endpoint, news, prefer, rows, run_until

pytestmark = pytest.mark.long

# The clocks change in the middle of these weeks: forward, back, by half an hour, and not at all.
STARTS = {
    "Europe/Berlin": datetime(2026, 3, 27, tzinfo=UTC),
    "America/New_York": datetime(2026, 10, 30, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 3, tzinfo=UTC),
    "Asia/Shanghai": datetime(2026, 3, 2, tzinfo=UTC),
}
WEEK = timedelta(days=7)
MINUTES = st.integers(0, 1439)


@dataclass
class Recorder:
    """A channel that takes everything and notes when."""

    sent: list[tuple[datetime, Message]] = field(default_factory=list)

    def check(self, target: Target) -> None:
        """Any will do."""

    def send(self, message: Message, target: Target, *, now: datetime) -> Receipt:
        """Take it."""
        self.sent.append((now, message))
        return Receipt("sent")

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Life:
    """What somebody wants, and what happens to them."""

    zone: str
    quiet: tuple[int, int] | None
    cap: int | None
    rhythm: str
    arrivals: tuple[int, ...]  # minutes after the start
    setbacks: frozenset[int]  # after which of them the host's clock is put back by ten minutes


@st.composite
def lives(draw: Callable[..., Any]) -> Life:
    arrivals = tuple(sorted(draw(st.lists(st.integers(0, 6 * 1440), min_size=1, max_size=10))))
    return Life(
        zone=draw(st.sampled_from(sorted(STARTS))),
        quiet=draw(st.none() | st.tuples(MINUTES, MINUTES).filter(lambda both: both[0] != both[1])),
        cap=draw(st.none() | st.integers(1, 3)),
        rhythm=draw(st.sampled_from(["instant", "daily", "weekly"])),
        arrivals=arrivals,
        setbacks=frozenset(draw(st.sets(st.integers(0, 9), max_size=2))),
    )


def recording(runtime: Runtime, recorder: Recorder, channel: str) -> Runtime:
    """The runtime with this channel alone, and that one noted."""
    return replace(runtime, post=Post({channel: recorder}, runtime.post.vault))


def is_quiet(moment: datetime, life: Life) -> bool:
    if life.quiet is None:
        return False
    local = moment.astimezone(ZoneInfo(life.zone)).time()
    begin, end = (time(*divmod(minutes, 60)) for minutes in life.quiet)
    return begin <= local < end if begin < end else local >= begin or local < end


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(life=lives())
def test_each_event_is_in_exactly_one_message_and_wishes_are_kept(
    runtime: Runtime, clock: SettableClock, life: Life
) -> None:
    recorder = Recorder()
    mailing = recording(runtime, recorder, "mail")
    start = STARTS[life.zone]
    clock.now = start
    person = add_member(mailing)
    wishes = {"quiet_from": life.quiet[0], "quiet_to": life.quiet[1]} if life.quiet else {}
    prefer(
        mailing, person, time_zone=life.zone, daily_cap=life.cap,
        rhythms={"subscription_hit": {"mail": life.rhythm}}, **wishes,
    )  # fmt: skip
    for number, minutes in enumerate(life.arrivals):
        run_until(mailing, clock, max(clock.now, start + timedelta(minutes=minutes)))
        news(mailing, [person], [f"{person.email} {number}"])
        if number in life.setbacks:
            clock.advance(minutes=-10)
    run_until(mailing, clock, start + 5 * WEEK)

    told = Counter(entry.id for _, message in recorder.sent for entry in message.entries)
    mine = [str(row.id) for row in rows(mailing, Notification) if row.recipient_id == person.id]
    assert told == Counter(mine)
    assert not [moment for moment, _ in recorder.sent if is_quiet(moment, life)]
    if life.cap is not None and not life.setbacks:
        days = Counter(moment.astimezone(ZoneInfo(life.zone)).date() for moment, _ in recorder.sent)
        assert max(days.values()) <= life.cap
    [endpoint] = [one for one in rows(mailing, Endpoint) if one.user_id == person.id]
    items = [one for one in rows(mailing, DeliveryItem) if one.endpoint_id == endpoint.id]
    assert all(one.delivery_id is not None for one in items)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    channel=st.sampled_from(["wecom", "dingtalk", "feishu"]),
    pauses=st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0, 20.0]), min_size=25, max_size=60),
)
def test_a_robot_is_used_no_more_often_than_it_may_be_in_any_minute_and_nothing_is_lost(
    runtime: Runtime, clock: SettableClock, channel: str, pauses: list[float]
) -> None:
    recorder = Recorder()
    robots = recording(runtime, recorder, channel)
    person = add_member(robots)
    add_endpoint(robots, person, channel, "https://robot.example/hook", events=["subscription_hit"])
    for number, pause in enumerate(pauses):
        news(robots, [person], [f"{person.email} {number}"])
        run_until(robots, clock, clock.now + timedelta(seconds=pause))
    run_until(robots, clock, clock.now + timedelta(hours=1))

    told = Counter(entry.title for _, message in recorder.sent for entry in message.entries)
    assert len(told) == len(pauses)
    assert set(told.values()) == {1}
    windows = {"feishu": ((100, 60), (5, 1))}.get(channel, ((20, 60),))
    moments = [moment for moment, _ in recorder.sent]
    for most, seconds in windows:
        for first, last in zip(moments, moments[most:], strict=False):
            assert last - first >= timedelta(seconds=seconds)
