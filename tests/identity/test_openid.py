"""Signing in by OpenID Connect: what an honest provider vouches for is taken, and every known cheat is not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from market.identity.choosing import providers_of
from market.identity.contract import Begun, NotVouched, Provider, ProviderAway, Returned
from tests.identity.provider import OpenIdServer, serving

BACK = "http://exchange.example/api/v1/sign-in/campus/callback"


@pytest.fixture
def server() -> Iterator[OpenIdServer]:
    with serving(lambda: int(time.time())) as one:
        yield one


@pytest.fixture
def provider(server: OpenIdServer) -> Provider:
    return providers_of(server.setting(), loopback=True)["campus"]


def came_back(server: OpenIdServer, begun: Begun) -> Returned:
    given = {name: values[0] for name, values in parse_qs(urlsplit(server.authorise(begun.url)).query).items()}
    return Returned(given["code"], given["state"], given.get("iss", ""))


def signed_in(server: OpenIdServer, provider: Provider) -> Any:
    begun = provider.begin(BACK)
    return provider.finish(begun, came_back(server, begun), BACK, now=datetime.now(UTC))


@pytest.mark.parametrize("signed", ["RS256", "ES256"])
def test_what_an_honest_provider_says_is_taken(server: OpenIdServer, provider: Provider, signed: str) -> None:
    server.sign = signed
    server.who = {"sub": "p-7", "email": "li@campus.example", "email_verified": True, "name": "李文"}
    found = signed_in(server, provider)
    assert (found.issuer, found.subject, found.email, found.name) == (server.url, "p-7", "li@campus.example", "李文")


def test_a_sign_in_asks_with_pkce_state_and_nonce(server: OpenIdServer, provider: Provider) -> None:
    begun = provider.begin(BACK)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert begun.verifier not in begun.url
    assert (asked["state"], asked["nonce"], asked["redirect_uri"]) == (begun.state, begun.nonce, BACK)
    assert len({provider.begin(BACK).state for _ in range(3)} | {begun.state}) == 4


@pytest.mark.parametrize("claimed", [False, "true", 1, None])
def test_an_address_that_the_provider_has_not_checked_is_none(
    server: OpenIdServer, provider: Provider, claimed: Any
) -> None:
    server.who = {"sub": "p", "email": "li@campus.example", "email_verified": claimed}
    assert signed_in(server, provider).email == ""


@pytest.mark.parametrize("signed", ["none", "HS256", "stranger"])
def test_a_token_that_the_provider_has_not_signed_is_refused(
    server: OpenIdServer, provider: Provider, signed: str
) -> None:
    server.sign = signed
    with pytest.raises(NotVouched, match="signed"):
        signed_in(server, provider)


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"aud": ["qiao", "another"]}, {"azp": "another"},
        {"iss": "https://another.example"}, {"exp": 1}, {"exp": None}, {"iat": 2**40}, {"sub": ""}, {"sub": None},
    ],
)  # fmt: skip
def test_a_token_that_is_not_of_this_sign_in_is_refused(
    server: OpenIdServer, provider: Provider, change: dict[str, Any]
) -> None:
    server.spoil = lambda claims: {**claims, **change}
    with pytest.raises(NotVouched, match="id_token"):
        signed_in(server, provider)


def test_another_state_is_refused_and_the_code_goes_nowhere(server: OpenIdServer, provider: Provider) -> None:
    begun = provider.begin(BACK)
    returned = replace(came_back(server, begun), state=provider.begin(BACK).state)
    with pytest.raises(NotVouched, match="state"):
        provider.finish(begun, returned, BACK, now=datetime.now(UTC))
    assert "/token" not in server.asked


def test_a_code_is_good_once(server: OpenIdServer, provider: Provider) -> None:
    begun = provider.begin(BACK)
    returned = came_back(server, begun)
    provider.finish(begun, returned, BACK, now=datetime.now(UTC))
    with pytest.raises(NotVouched, match="code"):
        provider.finish(begun, returned, BACK, now=datetime.now(UTC))


def test_a_stolen_code_is_worth_nothing_without_what_its_browser_began_with(
    server: OpenIdServer, provider: Provider
) -> None:
    stolen, mine = came_back(server, provider.begin(BACK)), provider.begin(BACK)
    with pytest.raises(NotVouched, match="code"):
        provider.finish(mine, replace(stolen, state=mine.state), BACK, now=datetime.now(UTC))


def test_an_answer_of_another_issuer_is_refused_before_the_code_is_sent_anywhere(
    server: OpenIdServer, provider: Provider
) -> None:
    server.mixed_up = "https://another.example"
    with pytest.raises(NotVouched, match="another provider"):
        signed_in(server, provider)
    assert "/token" not in server.asked


def test_a_provider_that_says_it_is_another_is_not_asked(server: OpenIdServer, provider: Provider) -> None:
    server.issuer = "https://another.example"
    with pytest.raises(ProviderAway):
        provider.begin(BACK)


def test_a_provider_that_does_not_answer_is_away(server: OpenIdServer) -> None:
    gone = server.setting().replace(server.url, "http://127.0.0.1:9")
    with pytest.raises(ProviderAway):
        providers_of(gone, loopback=True, seconds=1)["campus"].begin(BACK)


def test_plain_http_is_for_this_machine_and_only_where_it_is_allowed(server: OpenIdServer) -> None:
    with pytest.raises(ValueError, match="https"):
        providers_of(server.setting())
    with pytest.raises(ValueError, match="https"):
        providers_of(server.setting().replace(server.url, "http://campus.example"), loopback=True)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[1]",
        '[{"name": "x"}]',
        "nothing",
        '[{"name": "X Y", "issuer": "https://a.example", "client_id": "a", "client_secret": "b"}]',
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_without_telling_secrets(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as refused:
        providers_of(text.replace('"b"', '"s3cr3t"'))
    assert "s3cr3t" not in str(refused.value)


def test_only_orcid_vouches_for_an_orcid(server: OpenIdServer) -> None:
    server.who = {"sub": "0000-0002-1825-0097", "given_name": "Josiah", "family_name": "Carberry"}
    orcid = providers_of(server.setting("orcid", orcid=True), loopback=True)["orcid"]
    found, other = (
        signed_in(server, orcid),
        signed_in(server, providers_of(server.setting(), loopback=True)["campus"]),
    )
    assert (found.orcid, found.name, other.orcid) == ("0000-0002-1825-0097", "Josiah Carberry", "")
