"""The mail channel against a real server: what arrives, what becomes of refusals, and what is never sent."""

from __future__ import annotations

import email
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from pathlib import Path

import pytest

from market.delivery import smtp
from market.delivery.channels import Receipt, Target
from market.delivery.mail import MailChannel
from market.delivery.messages import Entry, Group, Message
from tests.delivery.mail_server import MailServer, certified, speaking
from tests.pace import within

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
SENDER = "Qiao 桥 <post@qiao.test>"
TARGET = Target("wang@example.org")
MESSAGE = Message(
    id="0190-d1",
    kind="event",
    language="zh",
    recipient="王芳",
    subject="新的匹配：缺陷复核引擎",
    groups=(
        Group(
            "自动复判",
            "https://qiao.test/demands/1",
            (
                Entry(
                    "n1", "match_found", "新的匹配：缺陷复核引擎", "匹配度 87%。", "https://qiao.test/matches/1", NOW
                ),
            ),
        ),
    ),
    preferences_url="https://qiao.test/preferences",
    unsubscribe_url="https://qiao.test/unsubscribe/token",
)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer().running() as server:
        yield server


@pytest.fixture
def channel(server: MailServer) -> Iterator[MailChannel]:
    with closing(MailChannel(server.url, SENDER, seconds=5)) as channel:
        yield channel


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return certified(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    return certificate[0]


def sent(channel: MailChannel, message: Message = MESSAGE, target: Target = TARGET) -> Receipt:
    return channel.send(message, target, now=NOW)


def sent_once(url: str, *, seconds: float = 5) -> Receipt:
    with closing(MailChannel(url, SENDER, seconds=seconds)) as channel:
        return sent(channel)


def test_a_mail_arrives_whole(server: MailServer, channel: MailChannel) -> None:
    assert sent(channel) == Receipt("sent", 250)
    [received] = server.received
    mail = received.mail
    assert (received.sender, received.recipients) == ("post@qiao.test", ("wang@example.org",))
    assert mail["Subject"] == "新的匹配：缺陷复核引擎"
    assert (mail["From"].addresses[0].display_name, mail["From"].addresses[0].addr_spec) == (
        "Qiao 桥",
        "post@qiao.test",
    )
    assert [(one.display_name, one.addr_spec) for one in mail["To"].addresses] == [("王芳", "wang@example.org")]
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == "<0190-d1@qiao.test>"
    assert mail["List-Unsubscribe"] == "<https://qiao.test/unsubscribe/token>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Id"] == "<notifications.qiao.test>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "zh-CN"
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert all(part.get_content_charset() == "utf-8" for part in mail.iter_parts())
    for kind in ("plain", "html"):
        assert "新的匹配：缺陷复核引擎" in received.part(kind)
        assert "https://qiao.test/unsubscribe/token" in received.part(kind)
    assert [defect for part in mail.walk() for defect in part.defects] == []
    assert received.raw.isascii()
    assert not [name for name in mail if name.lower().startswith(("x-", "precedence", "bcc"))]


def test_every_attempt_has_the_same_id(server: MailServer, channel: MailChannel) -> None:
    server.answers["DATA"] = "451 4.3.0 later"
    assert sent(channel).outcome == "failed"
    server.answers.clear()
    sent(channel)
    sent(channel)
    assert [one.mail["Message-ID"] for one in server.received] == ["<0190-d1@qiao.test>"] * 2


def test_without_a_way_to_unsubscribe_none_is_named(server: MailServer, channel: MailChannel) -> None:
    sent(channel, replace(MESSAGE, unsubscribe_url=""))
    sent(channel, replace(MESSAGE, unsubscribe_url="https://qiao.test/\r\nBcc: all@example.org"))
    sent(channel, replace(MESSAGE, unsubscribe_url="http://qiao.test/unsubscribe"))
    listed = [(one.mail["List-Unsubscribe"], one.mail["List-Unsubscribe-Post"]) for one in server.received]
    assert listed == [(None, None), (None, None), ("<http://qiao.test/unsubscribe>", None)]


def test_long_lines_are_folded_and_long_urls_are_not(server: MailServer, channel: MailChannel) -> None:
    url = "https://qiao.test/u/" + "a-b_c.d,e;f~" * 60
    long = replace(MESSAGE, id="d" * 120, subject="字" * 190, recipient="芳" * 60, unsubscribe_url=url)
    group = Group("很" * 3000, "", (replace(MESSAGE.entries[0], title="w" * 3000, body="长" * 3000),))
    assert sent(channel, replace(long, groups=(group,))).outcome == "sent"
    [received] = server.received
    assert max(map(len, received.raw.split(b"\r\n"))) <= 998
    assert received.mail["List-Unsubscribe"] == f"<{url}>"
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in received.raw
    assert received.mail["Message-ID"] == f"<{'d' * 120}@qiao.test>"
    assert received.mail["Subject"] == "字" * 190
    to = email.message_from_bytes(received.raw)["To"]
    assert str(make_header(decode_header(to))).split() == ["芳" * 60, "<wang@example.org>"]
    assert "长" * 3000 in received.part("html")


@pytest.mark.parametrize(
    ("command", "answer", "outcome", "status"),
    [
        ("RCPT", "550 5.1.1 no such mailbox", "refused", 550),
        ("RCPT", "553 5.1.3 what is that", "refused", 553),
        ("RCPT", "450 4.2.1 busy", "failed", 450),
        ("RCPT", "421 4.3.2 shutting down", "failed", 421),
        ("RCPT", "554 5.7.1 relay access denied", "failed", 554),
        ("RCPT", "530 5.7.0 log in first", "failed", 530),
        ("MAIL", "550 5.1.8 we do not know you", "failed", 550),
        ("MAIL", "421 4.7.0 too many mails", "failed", 421),
        ("DATA", "552 5.3.4 too large", "refused", 552),
        ("DATA", "554 5.6.0 we do not like https://qiao.test/matches/1", "refused", 554),
        ("DATA", "451 4.3.0 greylisted", "failed", 451),
    ],
)
def test_what_the_server_says_is_understood(
    server: MailServer, channel: MailChannel, command: str, answer: str, outcome: str, status: int
) -> None:
    server.answers[command] = answer
    receipt = sent(channel)
    assert (receipt.outcome, receipt.status) == (outcome, status)
    assert str(status) in receipt.detail
    assert "matches" not in receipt.detail
    assert len(receipt.detail) <= 160
    server.answers.clear()
    assert sent(channel).outcome == "sent"


def test_what_is_no_address_is_sent_nothing(server: MailServer, channel: MailChannel) -> None:
    for address in (
        "", "nobody", "a b@example.org", "a@b@example.org", "a@", "@example.org", "a@example..org", "a@-x.org",
        "a@example.org\r\nRCPT TO:<b@example.org>", "a@example.org\n", "<a@example.org>", "a,b@example.org",
        "a@exam ple.org", "Wang <a@example.org>", "a\x00@example.org", "芳@example.org", f"{'a' * 65}@example.org",
        f"a@{'b.' * 130}org",
    ):  # fmt: skip
        with pytest.raises(ValueError, match="address"):
            channel.check(Target(address))
        assert sent(channel, target=Target(address)).outcome == "refused"
    assert server.connections == 0


def test_addresses_in_use_can_be_mailed(server: MailServer, channel: MailChannel) -> None:
    addresses = (
        "wang.fang+qiao@mail.example.org",
        "o'neil@example.org",
        "root@localhost",
        "wang@例子.中国",
        "1@2.cn",
    )
    for address in addresses:
        channel.check(Target(address))
        assert sent(channel, target=Target(address)).outcome == "sent"
    assert server.received[3].recipients == ("wang@xn--fsqu00a.xn--fiqs8s",)


def test_many_mails_share_a_connection(server: MailServer, channel: MailChannel) -> None:
    assert {sent(channel).outcome for _ in range(smtp.MAILS_EACH + 1)} == {"sent"}
    assert server.connections == 2


def test_a_refusal_does_not_end_the_connection(server: MailServer, channel: MailChannel) -> None:
    server.answers["RCPT"] = "550 5.1.1 no such mailbox"
    sent(channel)
    server.answers.clear()
    assert sent(channel).outcome == "sent"
    assert server.connections == 1


def test_a_server_that_hung_up_is_called_again(server: MailServer, channel: MailChannel) -> None:
    sent(channel)
    server.hang_up()
    assert sent(channel).outcome == "sent"
    assert server.connections == 2


def test_a_server_that_has_had_enough_of_a_connection_gets_another(server: MailServer, channel: MailChannel) -> None:
    server.most = 3
    assert [sent(channel).outcome for _ in range(7)] == ["sent"] * 7
    assert server.connections == 3
    server.most = 0
    assert (sent(channel).outcome, server.connections) == ("failed", 4)


def test_a_connection_long_idle_is_not_used_again(
    server: MailServer, channel: MailChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(channel)
    monkeypatch.setattr(smtp, "IDLE_SECONDS", -1.0)
    assert sent(channel).outcome == "sent"
    assert server.connections == 2


def test_many_threads_send_at_once(server: MailServer, channel: MailChannel) -> None:
    def one(number: int) -> Receipt:
        return sent(channel, replace(MESSAGE, id=f"d{number}"), Target(f"u{number}@example.org"))

    with ThreadPoolExecutor(8) as threads:
        assert {receipt.outcome for receipt in threads.map(one, range(80))} == {"sent"}
    assert server.connections <= 8
    assert {(mail.mail["Message-ID"], mail.recipients) for mail in server.received} == {
        (f"<d{number}@qiao.test>", (f"u{number}@example.org",)) for number in range(80)
    }


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_hangs_is_left(server: MailServer, command: str) -> None:
    server.hanging.add(command)
    with within(1):
        receipt = sent_once(server.url, seconds=0.4)
    assert (receipt.outcome, receipt.status) == ("failed", None)
    assert "0.4 s" in receipt.detail


@pytest.mark.parametrize("words", [b"", b"2", b"220-still here\r\n"])
def test_time_is_up_however_slowly_the_server_speaks(words: bytes) -> None:
    with speaking(words, pause=0.05) as url, within(1):
        receipt = sent_once(url, seconds=0.5)
    assert receipt == Receipt("failed", None, "the mail server took longer than 0.5 s")


@pytest.mark.parametrize(
    "words", [b"554 go away\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe\r\n", b"x" * 20000]
)
def test_a_server_that_speaks_otherwise_is_no_reason_to_fall(words: bytes) -> None:
    with speaking(words, pause=0.05) as url:
        assert sent_once(url, seconds=2).outcome == "failed"


def test_time_is_up_for_a_server_that_never_encrypts() -> None:
    with speaking(b"", pause=0.05) as url, within(1):
        assert sent_once(url.replace("smtp:", "smtps:"), seconds=0.3).outcome == "failed"


def test_a_server_that_is_away_is_asked_again_later() -> None:
    with speaking(b"", pause=0.01) as url:
        pass
    receipt = sent_once(url)
    assert (receipt.outcome, receipt.status) == ("failed", None)
    assert "refused" in receipt.detail


def test_starttls_is_used_where_it_is_offered(trusted: ssl.SSLContext) -> None:
    with MailServer(context=trusted).running() as server:
        assert sent_once(server.url).outcome == "sent"
        assert sent_once(f"{server.url}?starttls=required").outcome == "sent"
        assert sent_once(f"{server.url}?starttls=never").outcome == "sent"
        assert [received.encrypted for received in server.received] == [True, True, False]


def test_starttls_that_is_required_and_missing_stops_the_mail(server: MailServer) -> None:
    receipt = sent_once(f"{server.url}?starttls=required")
    assert receipt.outcome == "failed"
    assert "STARTTLS" in receipt.detail
    assert server.received == []


def test_an_unknown_certificate_stops_the_mail(certificate: tuple[ssl.SSLContext, Path]) -> None:
    for encrypted in (True, False):
        with MailServer(context=certificate[0], encrypted=encrypted).running() as server:
            receipt = sent_once(server.url)
            assert receipt.outcome == "failed"
            assert "certificate" in receipt.detail
            assert server.received == []


def test_a_server_that_is_encrypted_from_the_start(trusted: ssl.SSLContext) -> None:
    with MailServer(context=trusted, encrypted=True).running() as server:
        with closing(MailChannel(server.url, SENDER)) as channel:
            assert [sent(channel).outcome for _ in range(3)] == ["sent"] * 3
        assert server.connections == 1
        assert all(received.encrypted for received in server.received)


def test_a_login_is_given(trusted: ssl.SSLContext) -> None:
    with MailServer(context=trusted, login=("post", "p@ss/word")).running() as server:
        assert sent_once(server.url_for("post", "p%40ss%2Fword")).outcome == "sent"
        refused = sent_once(server.url_for("post", "wrong-password"))
        assert (refused.outcome, refused.status) == ("failed", 535)
        assert "wrong-password" not in refused.detail
        unknown = sent_once(server.url)
        assert (unknown.outcome, unknown.status) == ("failed", 530)


def test_a_password_in_clear_stays_on_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with MailServer(login=("post", "password")).running() as server:
        assert sent_once(server.url_for("post", "password")).outcome == "sent"
        monkeypatch.setattr(smtp, "_nearby", lambda _: False)
        receipt = sent_once(server.url_for("post", "password"))
    assert receipt.outcome == "failed"
    assert "clear" in receipt.detail
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "url",
    [
        "", "http://mail.test", "smtp://", "smtp://mail.test:99999", "smtp://mail.test:0", "smtp://user@mail.test",
        "smtp://user:secret@mail.test/inbox", "smtp://user:secret@mail.test?starttls=perhaps", "smtp://user:secret@[mail.test",
        "smtp://user:secret@mail.test?tls=no", "smtp://user:secret@ma il.test", "smtp://user:%E5%AF%86secret@mail.test",
        "smtp://user:secret%0D%0A@mail.test",
    ],
)  # fmt: skip
def test_a_url_that_means_nothing_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="mail server") as refused:
        MailChannel(url, SENDER)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("sender", ["", "Qiao", "post@", "Qiao <post@qiao.test\r\nBcc: a@b.c>"])
def test_a_sender_without_an_address_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="address"):
        MailChannel("smtp://mail.test", sender)


def test_what_a_url_leaves_out() -> None:
    assert smtp.server_at("smtp://mail.test") == smtp.Server("mail.test", 25, False, "offered")
    assert smtp.server_at("smtps://mail.test") == smtp.Server("mail.test", 465, True, "offered")
    known = smtp.server_at("smtp://u:p%3A1@[::1]?starttls=required")
    assert known == smtp.Server("::1", 587, False, "required", "u", "p:1")
    assert "p:1" not in repr(known)


def test_the_server_is_greeted_by_a_name_that_is_ours(server: MailServer, channel: MailChannel) -> None:
    sent(channel)
    assert "." in server.received[0].greeted_as
