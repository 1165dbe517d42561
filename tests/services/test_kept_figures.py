"""What is kept for a short time: made once for all who ask the same, and anew when its time is over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from market.services.figures.keeping import Kept

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Counter:
    """Counts how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.calls


@pytest.fixture
def kept() -> Kept[int]:
    return Kept(timedelta(minutes=1), most=2)


def test_the_same_is_told_until_its_time_is_over(kept: Kept[int]) -> None:
    make = Counter()
    asked = [kept.get("a", make, now=NOW + timedelta(seconds=seconds)) for seconds in (0, 59.9, 60, 100)]
    later = NOW + timedelta(seconds=60)
    assert asked == [(1, NOW), (1, NOW), (2, later), (2, later)]


def test_a_clock_set_back_makes_it_anew(kept: Kept[int]) -> None:
    make = Counter()
    kept.get("a", make, now=NOW)
    earlier = NOW - timedelta(seconds=1)
    assert kept.get("a", make, now=earlier) == (2, earlier)


def test_of_more_than_there_is_room_for_those_asked_for_last_stay(kept: Kept[int]) -> None:
    make = Counter()
    assert [kept.get(key, make, now=NOW)[0] for key in ("a", "b", "a", "c", "a", "b")] == [1, 2, 1, 3, 1, 4]


def test_what_fails_is_kept_for_nobody(kept: Kept[int]) -> None:
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0, now=NOW)
    later = NOW + timedelta(seconds=30)
    assert kept.get("a", lambda: 7, now=later) == (7, later)


def test_of_those_who_ask_at_once_one_makes_it_and_others_need_not_wait_for_something_else(kept: Kept[int]) -> None:
    make, begun, go = Counter(), threading.Event(), threading.Event()

    def slowly() -> int:
        begun.set()
        assert go.wait(20)
        return make()

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(kept.get, "a", slowly, now=NOW)
        assert begun.wait(20)
        others = [pool.submit(kept.get, "a", slowly, now=NOW) for _ in range(2)]
        assert pool.submit(kept.get, "b", lambda: 9, now=NOW).result(20) == (9, NOW)
        go.set()
        assert {one.result(20) for one in (first, *others)} == {(1, NOW)}
    assert make.calls == 1
