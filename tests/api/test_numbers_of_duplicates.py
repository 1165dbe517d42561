"""The number of likely duplicates in the queue: it follows what is posted, changed, merged and deleted later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.factories import NOUNS, Caller, post

Drain = Callable[[], int]
UNLIKE: dict[str, dict[str, Any]] = {
    "outcome": {
        "title_zh": "苹果气调保鲜", "title_en": "", "summary_zh": "低氧库内脱除乙烯，货架期延长。", "summary_en": "",
        "keywords": ["保鲜"], "indicators": [],
    },
    "expert": {
        "name_zh": "顾南星", "name_en": "", "directions_zh": "果蔬气调保鲜", "directions_en": "",
        "keywords": ["保鲜"], "works": [{"title": "乙烯受体与果实软化"}],
    },
    "demand": {
        "title_zh": "冷库乙烯监测不准", "title_en": "", "problem_zh": "乙烯低浓度时传感器漂移，求替代。",
        "keywords": ["保鲜"], "indicators": [],
    },
}  # fmt: skip


@pytest.mark.parametrize("noun", NOUNS)
def test_a_number_of_duplicates_follows_what_comes_and_goes_after_it_was_counted(
    drain: Drain, newcomer: Caller, owner: Caller, stranger: Caller, reviewer: Caller, noun: str
) -> None:
    def counts() -> list[int | None]:
        drain()
        return [row["duplicates"] for row in reviewer.get("moderation/queue").json["items"]]

    first = post(newcomer, noun)
    assert counts() == [0]
    copies = [post(caller, noun) for caller in (owner, stranger)]
    second = post(newcomer, noun)
    assert counts() == [3, 3]
    assert stranger.delete(f"{noun}s/{copies[1]['id']}", version=1).status_code == 204
    assert counts() == [2, 2]
    merged = reviewer.post(f"{noun}s/{copies[0]['id']}/actions/merge", {"into": second["id"]})
    assert (merged.status_code, counts()) == (200, [1, 1])
    assert newcomer.patch(f"{noun}s/{second['id']}", UNLIKE[noun], version=1).status_code == 200
    assert counts() == [0, 0]
    assert newcomer.delete(f"{noun}s/{first['id']}", version=1).status_code == 204
    assert counts() == [0]


def test_a_number_of_duplicates_follows_a_shared_patent_whatever_the_words(
    drain: Drain, newcomer: Caller, owner: Caller, reviewer: Caller
) -> None:
    rights = [{"kind": "invention_patent", "number": "ZL201910123456.7"}]
    post(newcomer, "outcome", ip_rights=rights)
    drain()
    other = post(owner, "outcome", **UNLIKE["outcome"], ip_rights=rights)
    drain()
    assert [row["duplicates"] for row in reviewer.get("moderation/queue").json["items"]] == [1]
    owner.patch(f"outcomes/{other['id']}", {"ip_rights": []}, version=1)
    drain()
    assert [row["duplicates"] for row in reviewer.get("moderation/queue").json["items"]] == [0]
