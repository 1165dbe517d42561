"""Robots: signed as each vendor wants it, success by its own code, inert titles, and never too many."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.delivery.channels import Target
from market.delivery.plain import inert, lines
from market.delivery.posting import Poster
from market.delivery.robots import DingTalkChannel, FeishuChannel, WeComChannel, Window, free_at
from tests.delivery.messages import BODY, NOW, message
from tests.delivery.receivers import Receiver, answering, hanging, raw, receiving

WECOM = "/cgi-bin/webhook/send?key=693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
DINGTALK = "/robot/send?access_token=566cc69da782ec4f"
FEISHU = "/open-apis/bot/v2/hook/0f1e2d3c-1111-2222-3333-444455556666"
ROBOTS: list[tuple[type[Any], str, str]] = [
    (WeComChannel, "https://qyapi.weixin.qq.com", WECOM),
    (DingTalkChannel, "https://oapi.dingtalk.com", DINGTALK),
    (FeishuChannel, "https://open.feishu.cn", FEISHU),
]
EVIL = [
    "[click](https://evil.example)",
    "![pixel](https://evil.example/x.png)",
    "<@wangfang> <@all> @all @所有人",
    '<at user_id="all">everybody</at>',
    '<font color="warning">x</font><script>alert(1)</script>',
    "# heading\n# heading\r\n> quote\n- list",
    "**bold** __under__ ~~gone~~ `code` ```block```",
    "a | b | c",
    "&lt;b&gt; &#91;x&#93;",
    "https://evil.example http://evil.example www.evil.example evil.example",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200b\ufeff\u2028\u2029\x00\x1b[31m",
    "](https://evil.example)[",
    "\\](https://evil.example)\\[",
]


@pytest.fixture
def taking() -> Iterator[Receiver]:
    """A vendor that takes everything."""
    with receiving(answering(200, b'{"errcode":0,"errmsg":"ok","code":0,"msg":"success"}')) as one:
        yield one


def shown(receiver: Receiver) -> tuple[str, list[str]]:
    """The text of the last message as it was sent, and where its links lead."""
    told = orjson.loads(receiver.requests[-1].body)
    if "content" in told:
        (post,) = told["content"]["post"].values()
        parts = [part for line in post["content"] for part in line]
        return post["title"] + "\n".join(part["text"] for part in parts), [
            part["href"] for part in parts if "href" in part
        ]
    text = told["markdown"].get("text") or told["markdown"]["content"]
    return text, re.findall(r"\]\(([^)]*)\)", text)


@pytest.mark.parametrize(("kind", "host", "path"), ROBOTS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_message_is_taken_and_leads_to_its_page(
    kind: type[Any], host: str, path: str, language: str, poster: Poster, taking: Receiver
) -> None:
    target = Target(taking.url(path))
    receipt = kind(poster).send(message("高温合金", language=language), target, now=NOW)
    assert (receipt.outcome, receipt.status) == ("sent", 0)
    text, links = shown(taking)
    assert "高温合金" in text
    assert "Qiao 桥" in text
    assert ("有新消息" if language == "zh" else "News for you") in text
    assert links == ["https://qiao.example/matches/m1"]
    assert BODY not in text
    assert taking.requests[0].target == path
    assert kind(poster).send(message(kind="test", language=language), target, now=NOW).outcome == "sent"
    assert ("测试" if language == "zh" else "test") in shown(taking)[0]


@pytest.mark.parametrize(("kind", "host", "path"), ROBOTS)
@pytest.mark.parametrize("title", EVIL)
def test_a_title_can_do_nothing(
    title: str, kind: type[Any], host: str, path: str, poster: Poster, taking: Receiver
) -> None:
    sent = message(title, "B", kind="digest", group=title)
    assert kind(poster).send(sent, Target(taking.url(path)), now=NOW).outcome == "sent"
    text, links = shown(taking)
    assert links == ["https://qiao.example/matches/m1", "https://qiao.example/matches/m2"]
    rest = text
    for link in links:
        rest = rest.replace(f"]({link})", "")
    rest = re.sub(r"^(?:- \[?|\*\*)|\*\*$", "", rest, flags=re.MULTILINE)
    assert not re.search(r"[\[\]()*_`>#<&|~@\\]", rest), rest
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]", rest)
    assert "://" not in rest
    assert "evil.example" not in rest


@given(st.text())
def test_any_text_becomes_one_inert_line(text: str) -> None:
    told = inert(text)
    assert len(told) <= 200
    assert not set(told) & set("[]()*_`>#<&|~@\\\n\r")
    assert inert(told) == told


def test_words_that_people_write_stay_readable() -> None:
    assert inert("TCP/IP 2.0，纯度 99.9%：C++ 与 3:1") == "TCP/IP 2.0，纯度 99.9%：C++ 与 3:1"
    assert inert("  two\n\nlines ") == "two lines"


@pytest.mark.parametrize(("kind", "host", "path"), ROBOTS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_too_long_is_cut_between_entries_and_says_how_many_are_left(
    kind: type[Any], host: str, path: str, language: str, poster: Poster, taking: Receiver
) -> None:
    titles = [f"第{number}项：" + "合金" * 30 for number in range(300)]
    sent = message(*titles, kind="digest", language=language, group="高温")
    assert kind(poster).send(sent, Target(taking.url(path)), now=NOW).outcome == "sent"
    text, links = shown(taking)
    kept = len(links)
    assert 10 < kept < 300
    assert text.rstrip("*").endswith(f"还有 {300 - kept} 条" if language == "zh" else f"+{300 - kept} more")
    size = len(text.encode()) if kind is WeComChannel else len(taking.requests[0].body)
    most = {WeComChannel: 4096, DingTalkChannel: 20000, FeishuChannel: 20480}[kind]
    assert most - 400 < size <= most


def test_no_number_of_left_out_entries_is_shown_where_all_fit() -> None:
    assert [line.text for line in lines(message("A", "B", kind="digest", group="G"))] == ["G", "A", "B"]
    assert [line.text for line in lines(message("A", kind="event", group="G"))] == ["A"]


def test_dingtalk_is_signed_in_the_url(poster: Poster, taking: Receiver) -> None:
    DingTalkChannel(poster).send(message("A"), Target(taking.url(DINGTALK), ("SEC+/x",)), now=NOW)
    query = parse_qs(urlsplit(taking.requests[0].target).query, strict_parsing=True)
    stamp = str(int(NOW.timestamp() * 1000))
    expected = hmac.new(b"SEC+/x", f"{stamp}\nSEC+/x".encode(), hashlib.sha256).digest()
    assert query["access_token"] == ["566cc69da782ec4f"]
    assert query["timestamp"] == [stamp]
    assert base64.b64decode(query["sign"][0], validate=True) == expected


def test_feishu_is_signed_in_the_body(poster: Poster, taking: Receiver) -> None:
    FeishuChannel(poster).send(message("A"), Target(taking.url(FEISHU), ("demo",)), now=NOW)
    told = orjson.loads(taking.requests[0].body)
    stamp = str(int(NOW.timestamp()))
    expected = hmac.new(f"{stamp}\ndemo".encode(), digestmod=hashlib.sha256).digest()
    assert told["timestamp"] == stamp
    assert base64.b64decode(told["sign"], validate=True) == expected
    assert told["msg_type"] == "post"


@pytest.mark.parametrize(
    ("kind", "path", "told", "outcome", "pauses"),
    [
        (WeComChannel, WECOM, b'{"errcode":45009,"errmsg":"api freq out of limit"}', "failed", True),
        (WeComChannel, WECOM, b'{"errcode":93000,"errmsg":"invalid webhook url"}', "refused", False),
        (WeComChannel, WECOM, b'{"errcode":-1,"errmsg":"system busy"}', "failed", False),
        (DingTalkChannel, DINGTALK, b'{"errcode":130101,"errmsg":"send too fast"}', "failed", True),
        (DingTalkChannel, DINGTALK, b'{"errcode":410100}', "failed", True),
        (DingTalkChannel, DINGTALK, b'{"errcode":310000,"errmsg":"keywords not in content"}', "refused", False),
        (DingTalkChannel, DINGTALK, b'{"errcode":300001,"errmsg":"token is not exist"}', "refused", False),
        (FeishuChannel, FEISHU, b'{"StatusCode":0,"StatusMessage":"success"}', "sent", False),
        (FeishuChannel, FEISHU, b'{"code":11232,"msg":"frequency limited"}', "failed", True),
        (FeishuChannel, FEISHU, b'{"code":9499,"msg":"too many request"}', "failed", True),
        (FeishuChannel, FEISHU, b'{"code":9499,"msg":"Bad Request"}', "refused", False),
        (FeishuChannel, FEISHU, b'{"code":19021,"msg":"sign match fail"}', "refused", False),
        (FeishuChannel, FEISHU, b'{"code":19024,"msg":"Key Words Not Found"}', "refused", False),
        (FeishuChannel, FEISHU, b'{"code":77,"StatusCode":0}', "failed", False),
        (WeComChannel, WECOM, b'{"code":0}', "failed", False),
        (WeComChannel, WECOM, b'{"errcode":"0"}', "failed", False),
        (WeComChannel, WECOM, b'{"errcode":false}', "failed", False),
        (WeComChannel, WECOM, b"<html>welcome</html>", "failed", False),
        (WeComChannel, WECOM, b"[0]", "failed", False),
    ],
)
def test_the_code_in_the_answer_decides_not_the_status(
    kind: type[Any], path: str, told: bytes, outcome: str, pauses: bool, poster: Poster
) -> None:
    with receiving(answering(200, told)) as receiver:
        receipt = kind(poster).send(message("A"), Target(receiver.url(path)), now=NOW)
        assert receipt.outcome == outcome
        assert receipt.retry_after == (timedelta(seconds=60) if pauses else None)
        assert path.rsplit("=", maxsplit=1)[-1] not in receipt.detail
        poster.close()


@pytest.mark.parametrize(("kind", "host", "path"), ROBOTS)
def test_whatever_happens_on_the_way_is_a_receipt_without_the_key(kind: type[Any], host: str, path: str) -> None:
    poster = Poster(loopback=True, seconds=0.2)
    for answer in (raw(b""), hanging, answering(429), answering(302, Location=path), answering(500, b"\xff")):
        with receiving(answer) as receiver:  # type: ignore[arg-type]
            receipt = kind(poster).send(message("A"), Target(receiver.url(path)), now=NOW)
            assert receipt.outcome == "failed"
            assert path.rpartition("/")[2].rpartition("=")[2] not in receipt.detail
            poster.close()


@pytest.mark.parametrize(("kind", "host", "path"), ROBOTS)
def test_only_the_vendors_own_host_and_path_are_accepted(
    kind: type[Any], host: str, path: str, poster: Poster, receiver: Receiver
) -> None:
    strict = kind(Poster(loopback=False))
    strict.check(Target(host + path))
    bad = [
        receiver.url(path),
        f"https://127.0.0.1:{receiver.port}{path}",
        host.replace("https", "http") + path,
        f"{host}.evil.example{path}",
        f"https://evil.example{path}",
        f"{host}:8443{path}",
        f"{host}@evil.example{path}",
        f"{host}/other",
        f"{host}{path}&more=1",
        f"{host}{path}/../../x",
        f"{host}{path}#x",
        f"{host}/x{path}",
        host,
        "",
    ]
    for url in bad:
        with pytest.raises(ValueError, match=" "):
            strict.check(Target(url))
        assert strict.send(message("A"), Target(url), now=NOW).outcome == "refused"
    kind(poster).check(Target(receiver.url(path)))
    with pytest.raises(ValueError, match="form"):
        kind(poster).check(Target(receiver.url("/other")))
    assert receiver.accepted == 0


def test_larks_own_host_is_accepted_and_secrets_where_there_are_such(poster: Poster) -> None:
    FeishuChannel(poster).check(Target(f"https://open.larksuite.com{FEISHU}", ("secret",)))
    DingTalkChannel(poster).check(Target(f"https://oapi.dingtalk.com{DINGTALK}", ("SECx",)))
    with pytest.raises(ValueError, match="secret"):
        WeComChannel(poster).check(Target(f"https://qyapi.weixin.qq.com{WECOM}", ("secret",)))
    with pytest.raises(ValueError, match="one secret"):
        FeishuChannel(poster).check(Target(f"https://open.feishu.cn{FEISHU}", ("a", "b")))


@given(
    st.sampled_from([WeComChannel.limits, FeishuChannel.limits, (Window(3, 10), Window(1, 2), Window(7, 60))]),
    st.lists(st.floats(0, 20), min_size=1, max_size=250),
)
def test_in_no_sliding_window_are_there_more_than_allowed(limits: tuple[Window, ...], waits: list[float]) -> None:
    now, sent = NOW, list[datetime]()
    for wait in waits:
        now += timedelta(seconds=wait / 10)
        free = free_at(limits, sent, now)
        assert free >= now
        sent.append(free)
    sent.sort()
    for window in limits:
        for first, beyond in zip(sent, sent[window.count :], strict=False):
            assert beyond - first >= timedelta(seconds=window.seconds)


@given(st.lists(st.floats(0, 200), max_size=60), st.floats(0, 200))
def test_nobody_waits_longer_than_needed(moments: list[float], at: float) -> None:
    limits = (Window(20, 60), Window(5, 1))
    sent, now = [NOW + timedelta(seconds=moment) for moment in moments], NOW + timedelta(seconds=at)
    past = [moment for moment in sent if moment <= now]
    free = free_at(limits, past, now)
    if free > now:
        early = free - timedelta(microseconds=1)
        assert any(
            sum(early - timedelta(seconds=window.seconds) < moment for moment in past) >= window.count
            for window in limits
        )
