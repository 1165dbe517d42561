"""What mails and pages say, in both languages; and that nothing in a title, body or name is more than text."""

from __future__ import annotations

import email
import re
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.delivery.channels import Target
from market.delivery.mail import MailChannel
from market.delivery.messages import Action, Entry, Group, Message, MessageKind
from market.delivery.phrases import phrases
from market.delivery.rendering import COLUMNS, one_line, page, render, web_url, wrapped
from tests.delivery.mail_server import MailServer

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
SITE = "https://qiao.test"
_CHANNEL = MailChannel("smtp://mail.test", "post@qiao.test")  # that connects to nothing
LANGUAGES = ("zh", "en")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style></p><a href='javascript:alert(1)'>x</a>",
    "{{7*7}} {% raw %} {message.id} {0.__class__} %s",
    "Offer\r\nBcc: all@example.org\r\n\r\n<b>body</b>",
    "\u202efdp.exe\u2066 \u200f\u061c",
    "a\x00b\x1b[31mc\x7f\x85d\u2028e\u2029f\x0bg",
    "=?utf-8?q?=0D=0ABcc:_all=40example.org?=",
    "\ud800 lone \udfff",
    "&lt;b&gt; &amp;#60; <!-- --> ]]>",
    "",
)
TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TAGS = {"html", "head", "meta", "title", "style", "body", "div", "p", "h1", "h2", "a", "form", "input", "button"}
ATTRIBUTES = {"lang", "charset", "name", "content", "style", "href", "method", "action", "type", "value"}


class Read(HTMLParser):
    """What a browser would find: tags, attributes, links and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.found: list[tuple[str, str, str]] = []
        self.others: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found.extend((tag, name, value or "") for name, value in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    unknown_decl = handle_comment
    handle_pi = handle_comment

    def values(self, tag: str, name: str) -> list[str]:
        return [value for of, called, value in self.found if (of, called) == (tag, name)]


def message(language: str = "zh", kind: MessageKind = "event", text: str = "缺陷复核引擎", count: int = 1) -> Message:
    entries = tuple(
        Entry(
            f"n{number}",
            "match_found",
            text,
            text,
            f"{SITE}/matches/{number}",
            NOW,
            actions=(Action(text, f"{SITE}/act/{number}/yes"), Action("不合适", f"{SITE}/act/{number}/no")),
        )
        for number in range(count)
    )
    groups = (Group(text, f"{SITE}/demands/1", entries), Group("", "", entries[:1]))
    return Message(
        "d1", kind, language, text, text, groups if count else (), f"{SITE}/preferences", f"{SITE}/unsubscribe/token"
    )


def inert(html: str, *, links: set[str]) -> Read:
    """Assert that a document holds only what the templates put there."""
    read = Read(html)
    assert set(read.tags) <= TAGS
    assert {name for _, name, _ in read.found} <= ATTRIBUTES
    assert set(read.values("a", "href")) <= links
    assert read.others == []
    assert read.tags.count("html") == read.tags.count("style") == read.tags.count("title") == 1
    return read


def characters(text: str) -> set[str]:
    """Those that no plain text should have."""
    return {one for one in text if one != "\n" and (unicodedata.category(one) in {"Cc", "Cs"} or one in TURNING)}


def links_of(sent: Message) -> set[str]:
    found = {sent.preferences_url, sent.unsubscribe_url}
    for group in sent.groups:
        found.add(group.url)
        for entry in group.entries:
            found |= {entry.url, *(action.url for action in entry.actions)}
    return found - {""}


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with MailServer().running() as server:
        yield server


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "count"), [("event", 1), ("digest", 1), ("digest", 3), ("test", 0)])
def test_both_bodies_say_all_there_is(language: str, kind: MessageKind, count: int) -> None:
    sent = message(language, kind, count=count)
    subject, text, html = render(sent)
    read = inert(html, links=links_of(sent))
    words = phrases(language)
    assert subject == "缺陷复核引擎"
    assert set(read.values("a", "href")) == links_of(sent)
    assert set(re.findall(r"https?://\S+", text)) == links_of(sent)
    assert all(re.fullmatch(r" *https?://\S+", line) for line in text.split("\n") if "://" in line)
    assert read.values("html", "lang") == [words.tag]
    for body in (text.replace("\n", " "), read.text):
        squeezed = re.sub(r"\s+", "", body)
        for said in (
            words.greeting("缺陷复核引擎"),
            words.opening(kind, count + bool(count)),
            words.why,
            words.unsubscribe,
        ):
            assert re.sub(r"\s+", "", said) in squeezed
        for entry in sent.entries:
            assert entry.title in body
            assert all(action.label in body for action in entry.actions)
    assert (words.private in read.text) == bool(count)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_speaks_one_language(language: str) -> None:
    for kind in ("event", "digest", "test"):
        _, text, _ = render(replace(message(language, kind, text="42", count=2), subject="42", groups=()))
        own = text.replace("Qiao 桥", "")
        assert bool(re.search("[\u4e00-\u9fff]", own)) == (language == "zh")
        assert language == "en" or not re.search("[A-Za-z]{2}", re.sub(r"https?://\S+", "", own).replace("Qiao", ""))


def test_one_notification_is_not_called_several() -> None:
    assert "This item has" in render(replace(message("en", "digest"), groups=message().groups[1:])).text
    assert "These 4 items have" in render(message("en", "digest", count=3)).text


def test_nobody_in_particular_is_greeted_too() -> None:
    assert render(replace(message("zh"), recipient="")).text.startswith("您好：\n")
    assert render(replace(message("en"), recipient=" \u202e")).text.startswith("Good day,\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stays_text(language: str, text: str) -> None:
    sent = message(language, text=text)
    subject, plain, html = render(sent)
    read = inert(html, links=links_of(sent))
    assert characters(subject + plain + html) == set()
    assert "\n" not in subject
    assert one_line(text) in re.sub(r"\s+", " ", read.text)
    assert not re.search(r"^(Bcc|<b>)", plain, re.MULTILINE | re.IGNORECASE)
    harmless = Read(render(message(language, text=text and "x")).html)
    assert [tag for tag in read.tags if tag != "p"] == [tag for tag in harmless.tags if tag != "p"]
    assert {named[:2] for named in read.found} == {named[:2] for named in harmless.found}


@pytest.mark.parametrize(
    "url",
    [
        "", "javascript:alert(1)", "data:text/html,x", "//evil.test", "ftp://x.test", "mailto:a@b.c", "https://例子.test/",
        'https://x.test/"><b>', "https://x.test/\r\nBcc: a@b.c", "https://x .test", "https://x.test/\u202efdp",
    ],
)  # fmt: skip
def test_only_web_addresses_become_links(url: str) -> None:
    sent = message()
    entry = replace(sent.entries[0], url=url, actions=(Action("go", url),))
    sent = replace(sent, groups=(Group("t", url, (entry,)),), preferences_url=url, unsubscribe_url=url)
    assert web_url(url) == ""
    _, text, html = render(sent)
    assert "a" not in inert(html, links=set()).tags
    assert url == "" or url not in text
    with pytest.raises(ValueError, match="form"):
        page("zh", "t", "t", button="b", action_url=url)


@given(st.text(), st.text(), st.sampled_from(LANGUAGES), st.sampled_from(["event", "digest", "test"]))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_a_mail(title: str, body: str, language: str, kind: MessageKind) -> None:
    sent = message(language, kind, text=title, count=2)
    sent = replace(sent, groups=(Group(title, title, tuple(replace(one, body=body) for one in sent.entries)),))
    rendered = render(sent)
    rendered.html.encode()
    assert characters("".join(rendered)) == set()
    inert(rendered.html, links=links_of(sent) - {title})


@given(st.text(alphabet="ab 技术，。（）“”\u0301https://x.y"))
@settings(deadline=None)
def test_wrapping_changes_nothing_but_blanks(text: str) -> None:
    lines = wrapped(text, 2).split("\n")
    assert "".join(wrapped(text, 2).split()) == "".join(text.split())
    assert all(line.startswith("  ") or not line for line in lines)


def test_lines_are_short_and_begin_with_no_closing_mark() -> None:
    lines = wrapped("一二三四五六七八九十，" * 30).split("\n")
    assert all(not line.startswith("，") for line in lines)
    assert {len(line) for line in lines[:-1]} <= {COLUMNS // 2, COLUMNS // 2 - 1}
    url = "https://qiao.test/" + "x" * 200
    assert url in wrapped(f"see {url} there").split("\n")


def test_a_line_is_cut_between_what_reads_as_characters() -> None:
    assert one_line("字" * 200, 200) == "字" * 200
    assert one_line("字" * 201, 200) == "字" * 199 + "…"
    assert one_line("e\u0301" * 5, 4) == "e\u0301…"
    assert one_line("👩\u200d🔬👩\u200d🔬", 5) == "👩\u200d🔬…"
    assert one_line("👩\u200d🔬" * 3, 2) == "…"
    assert one_line("\u0301" * 300, 200) == "…"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_subject_and_name_stay_in_their_headers(server: MailServer, text: str) -> None:
    server.received.clear()
    with closing(
        MailChannel(server.url, f"{text.replace('<', '').replace('>', '').replace(chr(34), '')} <post@qiao.test>")
    ) as channel:
        sent = replace(message(text=text), unsubscribe_url=f"{SITE}/unsubscribe/{text}", id=text or "d1")
        assert channel.send(sent, Target("wang@example.org"), now=NOW).outcome == "sent"
    [received] = server.received
    mail = received.mail
    assert received.recipients == ("wang@example.org",)
    assert set(map(str.lower, mail)) <= {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "list-id", "list-unsubscribe",
        "list-unsubscribe-post", "content-language", "mime-version", "content-type",
    }  # fmt: skip
    assert len(set(map(str.lower, mail))) == len(mail)
    assert mail["Subject"] == one_line(text, 200)
    assert [one.addr_spec for one in mail["To"].addresses] == ["wang@example.org"]
    assert [one.addr_spec for one in mail["From"].addresses] == ["post@qiao.test"]
    # The reader used here sets a blank into a name that looks encoded after it was decoded, in some runs.
    assert mail["To"].addresses[0].display_name.replace(" ", "") == one_line(text, 60).replace(" ", "")
    assert characters(str(mail["Subject"]) + str(mail["To"])) == set()
    assert max(map(len, received.raw.split(b"\r\n"))) <= 998
    inert(received.part("html"), links=links_of(sent))


@given(st.text(max_size=400), st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_headers_read_as_they_were_meant(subject: str, name: str) -> None:
    sent = replace(message("en", "test", count=0), subject=subject, recipient=name)
    raw = _CHANNEL._letter(sent, "wang@example.org", NOW)
    mail = email.message_from_bytes(raw, policy=policy.default)
    assert mail["Subject"] == one_line(subject, 200)
    assert [one.addr_spec for one in mail["To"].addresses] == ["wang@example.org"]
    assert "bcc" not in mail
    assert mail["List-Id"] == "<notifications.qiao.test>"


def test_a_page_is_only_text_without_a_button() -> None:
    read = inert(page("zh", "链接已失效", "请登录后查看。\n谢谢。"), links=set())
    assert "form" not in read.tags
    assert read.values("html", "lang") == ["zh-CN"]
    assert ("链接已失效" in read.text, read.tags.count("p")) == (True, 2)


def test_a_page_posts_what_it_is_given() -> None:
    html = page(
        "en",
        "Unsubscribe",
        "Really?",
        button="Yes",
        action_url="/unsubscribe/t",
        fields=(("token", 'a"b<'), ("x", "")),
    )
    read = inert(html, links=set())
    assert (read.values("form", "method"), read.values("form", "action")) == (["post"], ["/unsubscribe/t"])
    assert read.values("input", "name") == ["token", "x"]
    assert read.values("input", "value") == ['a"b<', ""]
    assert set(read.values("input", "type")) == {"hidden"}
    assert read.tags.count("button") == 1
    assert read.values("form", "action") != inert(page("en", "U", "R", button="Y"), links=set()).values(
        "form", "action"
    )
    assert "://" not in html


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_page_stays_a_page(text: str) -> None:
    html = page(
        "zh", text, text, button=text or "b", action_url=f"{SITE}/x", fields=((one_line(text), one_line(text)),)
    )
    read = inert(html, links=set())
    assert characters(html) == set()
    assert read.values("form", "action") == [f"{SITE}/x"]
    assert read.values("input", "value") == [one_line(text)]


@pytest.mark.parametrize("path", ["//evil.test", "/\\evil.test", "javascript:x", "x", "", '/"><b>', "/a b"])
def test_a_page_posts_nowhere_else(path: str) -> None:
    with pytest.raises(ValueError, match="form"):
        page("zh", "t", "t", button="b", action_url=path)
