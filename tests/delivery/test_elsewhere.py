"""Other services by Apprise: only allowed ones, only on their vendors' hosts, and nothing of the URL in any log."""

from __future__ import annotations

import logging
import subprocess
import sys

import orjson
import pytest

from market.delivery.channels import Target
from market.delivery.elsewhere import SCHEMES, AppriseChannel
from tests.delivery.messages import BODY, NOW, message
from tests.delivery.receivers import Receiver, answering, receiving
from tests.servers import free_port

URLS = {
    "discord": ("discord://123456789012345678/abcdefghijklmnopqrstuvwxyz", "discord.com"),
    "flock": ("flock://" + "a" * 24, "api.flock.com"),
    "gchat": ("gchat://workspace/key/token", "chat.googleapis.com"),
    "join": ("join://" + "a" * 32 + "/device", "joinjoaomgcd.appspot.com"),
    "line": ("line://token/user", "api.line.me"),
    "pbul": ("pbul://" + "a" * 32, "api.pushbullet.com"),
    "pover": ("pover://" + "u" * 30 + "@" + "a" * 30, "api.pushover.net"),
    "prowl": ("prowl://" + "a" * 40, "api.prowlapp.com"),
    "pushplus": ("pushplus://" + "a" * 32, "www.pushplus.plus"),
    "slack": ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "hooks.slack.com"),
    "tgram": ("tgram://123456789:abcdefg_hijklmnop/12315544/", "api.telegram.org"),
    "webex": ("webex://" + "a" * 80, "api.ciscospark.com"),
    "wxpusher": ("wxpusher://AT_appid/123", "wxpusher.zjiecode.com"),
    "wxteams": ("wxteams://" + "a" * 80, "api.ciscospark.com"),
}
OWN = AppriseChannel(frozenset({"json"}))


def test_every_allowed_service_is_tried_here() -> None:
    assert set(URLS) == SCHEMES


@pytest.mark.parametrize("scheme", sorted(URLS))
def test_an_allowed_service_is_asked_on_its_vendors_host(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url, host = URLS[scheme]
    channel = AppriseChannel()
    channel.check(Target(url))
    with receiving(answering(403, keep=False)) as proxy:  # which sees where the library wants to go, and lets nobody
        monkeypatch.setenv("https_proxy", proxy.url(""))
        receipt = channel.send(message("A"), Target(url), now=NOW)
        assert receipt.outcome == "failed"
        assert {request.target for request in proxy.requests} == {f"{host}:443"}
        assert {request.method for request in proxy.requests} == {"CONNECT"}


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1/",
        "jsons://hooks.example/",
        "mailto://user:word@hooks.example",
        "syslog://",
        "exec://",
        "dbus://",
        "bark://127.0.0.1/key",
        "ntfy://127.0.0.1/topic",
        "dingtalk://token",
        "feishu://token",
        "wecombot://key",
        "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "tgram",
        "tgram:123",
        "",
        " tgram://123456789:abcdefg_hijklmnop/1/",
        "tgram://nonsense",
        "slack://T1JJ3T3L2",
        "tgram://123456789:abcdefg_hijklmnop/../x",
        "gchat://..%2fx/key/token",
        "tgram://123456789:abcdefg_hijklmnop/1/\n",
        *[
            f"tgram://123456789:abcdefg_hijklmnop/1/?{query}"
            for query in (
                "verify=no",
                "Verify=no",
                "%76erify=no",
                "cto=1000",
                "rto=1000",
                "redirect=yes",
                "format=html",
                "overflow=split",
                "emojis=yes",
                "template=/etc/passwd",
                "image=yes",
                "detect=yes",
                "mdv=v1",
                "+header=x",
                "-a=b",
                ":a=b",
                "topic=1;verify=no",
                "topic=1&verify=no",
                "topic=1?verify=no",
                "to=2",
                "tag=x",
                "schema=json",
            )
        ],
    ],
)
def test_whatever_else_is_refused(url: str) -> None:
    channel = AppriseChannel()
    with pytest.raises(ValueError, match=" ") as refused:
        channel.check(Target(url))
    assert "hijklmnop" not in str(refused.value)
    assert channel.send(message("A"), Target(url), now=NOW).outcome == "refused"


def test_some_parameters_may_be_given_and_no_secret_beside_the_url() -> None:
    AppriseChannel().check(Target("tgram://123456789:abcdefg_hijklmnop/12315544/?silent=yes&topic=12"))
    AppriseChannel().check(Target("pover://" + "u" * 30 + "@" + "a" * 30 + "?priority=high&sound=bike"))
    with pytest.raises(ValueError, match="secret"):
        AppriseChannel().check(Target(URLS["prowl"][0], ("secret",)))


def test_titles_and_links_are_sent_and_no_texts(receiver: Receiver) -> None:
    url = f"json://127.0.0.1:{receiver.port}/"
    sent = message("[x](https://evil.example) <@all>", "B", kind="digest", group="G")
    assert OWN.send(sent, Target(url), now=NOW).outcome == "sent"
    told = orjson.loads(receiver.requests[0].body)
    assert told["title"] == "Qiao 桥 · News for you"
    assert "https://qiao.example/matches/m1" in told["message"]
    assert "https://qiao.example/matches/m2" in told["message"]
    assert "evil.example" not in told["message"]
    assert "<@" not in told["message"]
    assert BODY not in receiver.requests[0].body.decode()


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_not_taken_has_failed_and_no_redirect_is_followed(status: int, receiver: Receiver) -> None:
    with receiving(answering(status, keep=False, Location=receiver.url())) as other:
        receipt = OWN.send(message("A"), Target(f"json://127.0.0.1:{other.port}/k3y"), now=NOW)
    assert receipt.outcome == "failed"
    assert receiver.accepted == 0


def test_nothing_of_the_url_gets_into_a_log(caplog: pytest.LogCaptureFixture, receiver: Receiver) -> None:
    caplog.set_level(logging.DEBUG)
    for port in (receiver.port, free_port()):
        receipt = OWN.send(message("A"), Target(f"json://127.0.0.1:{port}/k3y"), now=NOW)
        assert "k3y" not in receipt.detail
    with pytest.raises(ValueError, match="form"):
        AppriseChannel().check(Target("tgram://k3y"))
    assert receiver.accepted == 1
    assert "k3y" not in caplog.text


def test_apprise_is_loaded_only_when_it_is_used() -> None:
    code = "import sys, market.delivery.elsewhere as e; e.AppriseChannel(); sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
