"""Which subscriptions a listing answers, who may be told of it, and what a preview says of the same listings."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlmodel import col, select

from market.errors import Conflict, NotFound, Unavailable
from market.models import LISTINGS, Subscription, User
from market.runtime import Runtime
from market.services.rights.access import Principal
from market.services.search import indexing
from market.services.search.indexing import Reference
from market.services.subscriptions import alerts, answering, subscriptions
from market.services.subscriptions.alerts import Hit
from schemas.subscriptions import search_of
from search.embedding import EmbedderUnavailable
from search.engine import EngineUnavailable
from tests.factories import Person, SettableClock, add_member, add_organisation, add_person, member_of
from tests.services.stock import publish

MODEL = "toy"


class ToyEmbedder:
    """One direction a first word; `model` tells which, so that two models differ."""

    dimensions = 4

    def __init__(self, model: str = MODEL, *, away: bool = False) -> None:
        self.model, self.away = model, away

    def embed(self, texts: Sequence[str], *, role: str) -> Any:
        if self.away:
            raise EmbedderUnavailable("away")
        return np.array([direction(text) for text in texts], np.float32)

    def close(self) -> None:
        pass


def direction(text: str) -> list[float]:
    return [0.0, 1.0, 0.0, 0.0] if "腐" in text or "rust" in text else [1.0, 0.0, 0.0, 0.0]


@dataclass
class Desk:
    """Subscribes for a person, and asks what listings hit."""

    runtime: Runtime
    embedder: Any = None

    def keep(self, person: Person, noun: str = "outcome", query: object = None, **data: Any) -> Subscription:
        with self.runtime.db.writing() as session:
            return subscriptions.create(
                session, self.runtime.engine, self.embedder, principal(person), search_of(noun, query or {}), data,
                now=self.runtime.clock(),
            )  # fmt: skip

    def hits(
        self, *references: tuple[str, uuid.UUID], vector: list[float] | None = None, model: str = MODEL
    ) -> list[Hit]:
        with self.runtime.db.reading() as session:
            listings = indexing.load(session, references).values()
            found = [(one, indexing.document(one), vector) for one in listings]
            return alerts.hits(session, found, model=MODEL, unlike=0.2, now=self.runtime.clock())

    def told(self, *references: Reference, **options: Any) -> set[uuid.UUID]:
        return {hit.subscription_id for hit in self.hits(*references, **options)}


def principal(person: Person) -> Principal:
    return member_of(person.organisation_id, person.id)


@pytest.fixture
def desk(runtime: Runtime) -> Desk:
    return Desk(runtime)


@pytest.fixture
def reader(runtime: Runtime) -> Person:
    return add_member(runtime)


@pytest.fixture
def seller(runtime: Runtime) -> uuid.UUID:
    return add_organisation(runtime)


@pytest.fixture
def coating(runtime: Runtime, seller: uuid.UUID) -> Reference:
    """An outcome on graphene coatings, of Tianjin."""
    return "outcome", publish(runtime, "outcome", seller)


@pytest.mark.parametrize(
    ("query", "answered"),
    [
        ({"q": "石墨烯"}, True),
        ({"q": "石墨烯 防腐"}, True),
        ({"q": "石墨烯 传感器"}, False),
        ({"q": "鹽霧試驗"}, True),  # traditional characters
        ({"q": '"潮差区钢结构"'}, True),
        ({"q": '"钢结构潮差区"'}, False),
        ({"q": "coatings"}, True),
        ({"q": "graph"}, False),
        ({"q": "stainles"}, False),
        ({}, True),
        ({"industries": "C"}, True),  # C26 lies below it
        ({"industries": "C26"}, True),
        ({"industries": "A"}, False),
        ({"region": "120000", "field": "new_materials"}, True),
        ({"region": "110000"}, False),
        ({"field": "new_materials,aerospace"}, True),
        ({"cooperation_modes": "transfer,licence", "kind": "new_material"}, True),
        ({"trl_from": 7, "trl_to": 8}, True),
        ({"trl_from": 8}, False),
        ({"q": "石墨烯", "price_to": 1_000}, False),
    ],
)
def test_a_listing_hits_the_searches_that_it_answers(
    desk: Desk, reader: Person, coating: Reference, query: dict[str, Any], answered: bool
) -> None:
    kept = desk.keep(reader, query=query)
    assert (desk.told(coating) == {kept.id}) is answered


def test_a_hit_says_whose_it_is_and_how_often_they_want_to_be_told(
    desk: Desk, reader: Person, coating: Reference
) -> None:
    kept = desk.keep(reader, query={"q": "石墨烯"}, rhythm="weekly")
    assert desk.hits(coating) == [Hit(kept.id, reader.id, "outcome", coating[1], "weekly")]


@pytest.mark.parametrize(
    ("asked", "title"), [("碳纤维", "Carbon fibers for bridges"), ("carbon fiber", "碳纤维桥面")]
)
def test_chinese_finds_english_by_the_thesaurus_and_english_chinese(
    runtime: Runtime, desk: Desk, reader: Person, seller: uuid.UUID, asked: str, title: str
) -> None:
    kept = desk.keep(reader, query={"q": asked})
    listing = publish(runtime, "outcome", seller, title_zh="", title_en=title, summary_zh="", summary_en="")
    assert desk.told(("outcome", listing)) == {kept.id}


def test_each_kind_of_listing_hits_its_own_subscriptions(
    runtime: Runtime, desk: Desk, reader: Person, seller: uuid.UUID
) -> None:
    kept = {noun: desk.keep(reader, noun, {"q": "防腐涂层"}).id for noun in LISTINGS}
    made = [(noun, publish(runtime, noun, seller)) for noun in LISTINGS]
    assert {(hit.noun, hit.subscription_id) for hit in desk.hits(*made)} == set(kept.items())


def test_drafts_never_hit(runtime: Runtime, desk: Desk, reader: Person, seller: uuid.UUID) -> None:
    desk.keep(reader)
    draft = publish(runtime, "outcome", seller, submit=False)
    assert desk.hits(("outcome", draft)) == []


def test_a_masked_organisation_is_found_neither_by_its_name_nor_by_its_id(runtime: Runtime, desk: Desk) -> None:
    hidden = add_organisation(runtime, name_zh="隐名石化集团", name_en="Hidden Petrochemicals")
    reader = add_member(runtime)
    for query in ({"q": "隐名石化"}, {"q": "Hidden"}, {"organisation": str(hidden)}):
        desk.keep(reader, "demand", query)
    plain = desk.keep(reader, "demand", {"q": "防腐涂层"})
    demand = publish(runtime, "demand", hidden, organisation_masked=True)
    assert desk.told(("demand", demand)) == {plain.id}


def test_nobody_is_told_of_their_own_listings_or_of_their_organisations(runtime: Runtime, desk: Desk) -> None:
    organisation = add_organisation(runtime)
    author, colleague = (add_person(runtime, organisation) for _ in range(2))
    outsider, alone = add_member(runtime), add_person(runtime, None)
    kept = {desk.keep(person).user_id for person in (author, colleague, outsider, alone)}
    assert len(kept) == 4
    mine = publish(runtime, "outcome", organisation, owner_id=author.id)
    assert {hit.user_id for hit in desk.hits(("outcome", mine))} == {outsider.id, alone.id}


def test_what_is_paused_or_expired_does_not_hit(
    runtime: Runtime, desk: Desk, reader: Person, coating: Reference, clock: SettableClock
) -> None:
    today = clock().date()
    paused = desk.keep(reader)
    ending = desk.keep(reader, expires_on=today)
    with runtime.db.writing() as session:
        row = subscriptions.get(session, principal(reader), paused.id)
        subscriptions.change(session, runtime.engine, None, row, {"paused": True}, now=clock())
    assert desk.told(coating) == {ending.id}
    clock.now += timedelta(days=1)
    assert desk.told(coating) == set()


def test_people_who_are_no_longer_active_are_not_told(
    runtime: Runtime, desk: Desk, reader: Person, coating: Reference
) -> None:
    desk.keep(reader)
    with runtime.db.writing() as session:
        session.get_one(User, reader.id).active = False
    assert desk.hits(coating) == []


def test_keys_follow_a_changed_query(runtime: Runtime, desk: Desk, reader: Person, coating: Reference) -> None:
    kept = desk.keep(reader, query={"q": "传感器"})
    assert desk.told(coating) == set()
    with runtime.db.writing() as session:
        row = subscriptions.get(session, principal(reader), kept.id)
        search = search_of("outcome", {"q": "石墨烯"})
        subscriptions.change(session, runtime.engine, None, row, {}, search=search, now=runtime.clock())
    assert desk.told(coating) == {kept.id}


def test_the_rarest_words_are_the_keys(
    runtime: Runtime, desk: Desk, reader: Person, seller: uuid.UUID, drain: Callable[[], int]
) -> None:
    for text in ("气凝胶", "薄膜", "薄膜", *["粉体"] * 5):
        publish(runtime, "outcome", seller, title_zh=f"石墨烯{text}", summary_zh="")
    drain()
    kept = desk.keep(reader, query={"q": "石墨烯 薄膜 气凝胶"})
    assert (kept.first_key, kept.second_key) == ("w:气凝胶", "w:薄膜")


def test_an_engine_that_is_away_hinders_nobody(
    runtime: Runtime, reader: Person, coating: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise EngineUnavailable("away")

    monkeypatch.setattr(runtime.engine, "frequencies", away)
    desk = Desk(runtime)
    kept = desk.keep(reader, query={"q": "盐雾试验 石墨烯"})
    assert kept.first_key == "w:石墨烯"
    assert desk.told(coating) == {kept.id}


def test_one_person_keeps_at_most_so_many(desk: Desk, reader: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST", 2)
    desk.keep(reader)
    desk.keep(reader)
    with pytest.raises(Conflict, match="too-many-subscriptions"):
        desk.keep(reader)


# By meaning


def test_listings_near_in_meaning_hit_without_a_word_in_common(
    runtime: Runtime, reader: Person, coating: Reference
) -> None:
    desk = Desk(runtime, ToyEmbedder())
    near = desk.keep(reader, query={"q": "rust protection", "semantic": True})
    elsewhere = desk.keep(reader, query={"q": "rust protection", "semantic": True, "region": "110000"})
    words = desk.keep(reader, query={"q": "石墨烯", "semantic": True})
    plain = desk.keep(reader, query={"q": "rust protection"})
    assert desk.told(coating, vector=direction("腐")) == {near.id, words.id}
    assert desk.told(coating, vector=direction("别的")) == {words.id}
    assert desk.told(coating) == {words.id}
    assert plain.vector is None
    assert elsewhere.vector is not None


def test_a_vector_of_another_model_is_not_compared_until_it_is_made_anew(
    runtime: Runtime, reader: Person, coating: Reference
) -> None:
    desk = Desk(runtime, ToyEmbedder("older"))
    near = desk.keep(reader, query={"q": "rust protection", "semantic": True})
    words = desk.keep(reader, query={"q": "石墨烯", "semantic": True})
    vector = direction("腐")
    assert desk.told(coating, vector=vector) == {words.id}
    with runtime.db.reading() as session:
        made = subscriptions.renew(session, ToyEmbedder())
    with runtime.db.writing() as session:
        assert subscriptions.keep_renewed(session, made, now=runtime.clock()) == 2
    assert desk.told(coating, vector=vector) == {near.id, words.id}
    with runtime.db.reading() as session:
        assert subscriptions.renew(session, ToyEmbedder()) == []


def test_a_search_that_changed_meanwhile_keeps_its_own_vector(runtime: Runtime, reader: Person) -> None:
    kept = Desk(runtime, ToyEmbedder("older")).keep(reader, query={"q": "rust", "semantic": True})
    with runtime.db.reading() as session:
        made = subscriptions.renew(session, ToyEmbedder())
    with runtime.db.writing() as session:
        row = subscriptions.get(session, principal(reader), kept.id)
        subscriptions.change(
            session, runtime.engine, None, row, {}, search=search_of("outcome", {"q": "钢"}), now=runtime.clock()
        )
    with runtime.db.writing() as session:
        assert subscriptions.keep_renewed(session, made, now=runtime.clock()) == 0


def test_what_is_remembered_of_meanings_follows_every_change(
    runtime: Runtime, reader: Person, coating: Reference, clock: SettableClock
) -> None:
    desk, vector = Desk(runtime, ToyEmbedder()), direction("腐")
    kept = desk.keep(reader, query={"q": "rust", "semantic": True})
    assert desk.told(coating, vector=vector) == {kept.id}
    with runtime.db.writing() as session:  # the clock stands still
        row = subscriptions.get(session, principal(reader), kept.id)
        search = search_of("outcome", {"q": "wood", "semantic": True})
        subscriptions.change(session, runtime.engine, desk.embedder, row, {}, search=search, now=clock())
    assert desk.told(coating, vector=vector) == set()
    with runtime.db.writing() as session:
        subscriptions.remove(session, subscriptions.get(session, principal(reader), kept.id))
    again = desk.keep(reader, query={"q": "rust", "semantic": True})
    assert desk.told(coating, vector=vector) == {again.id}


def test_without_an_embedder_meaning_is_refused_and_away_it_may_be_tried_again(
    runtime: Runtime, reader: Person
) -> None:
    with pytest.raises(Conflict, match="meaning-not-compared"):
        Desk(runtime).keep(reader, query={"q": "rust", "semantic": True})
    with pytest.raises(Unavailable, match="embedder-unavailable"):
        Desk(runtime, ToyEmbedder(away=True)).keep(reader, query={"q": "rust", "semantic": True})


# Previews


@pytest.mark.parametrize(
    "query",
    [
        {"q": "石墨烯"}, {"q": "graphene"}, {"q": "碳纤维"}, {"q": "carbon fiber"}, {"q": '"第1号"'}, {},
        {"region": "120000"}, {"q": "涂层", "trl_from": 5}, {"q": "涂层不存在的词"}, {"q": "perovskite 涂层"},
    ],
)  # fmt: skip
def test_a_preview_counts_what_would_have_hit(
    runtime: Runtime, desk: Desk, reader: Person, seller: uuid.UUID, drain: Callable[[], int], query: dict[str, Any]
) -> None:
    texts = ("石墨烯涂层", "graphene coating", "碳纤维", "carbon fibre plates", "钙钛矿涂层", "氧化石墨烯涂层")
    made = [
        (
            "outcome",
            publish(runtime, "outcome", seller, title_zh=f"第{number}号{text}", summary_zh="", trl=number + 1),
        )
        for number, text in enumerate(texts, start=1)
    ]
    assert reader.organisation_id is not None
    made.append(("outcome", publish(runtime, "outcome", reader.organisation_id)))  # their own
    drain()
    kept = desk.keep(reader, query=query)
    would = {hit.listing_id for hit in desk.hits(*made) if hit.subscription_id == kept.id}
    with runtime.db.reading() as session:
        sought = answering.sought_by(search_of("outcome", query), None)
        found = answering.preview(
            session, runtime.engine, principal(reader), "outcome", sought, model="", unlike=0.8, now=runtime.clock()
        )
    assert (found.count, found.complete) == (len(would), True)
    assert {one.id for one in found.examples} <= would
    assert len(found.examples) == min(len(would), answering.EXAMPLES)


def test_a_preview_looks_back_thirty_days(
    runtime: Runtime, reader: Person, seller: uuid.UUID, clock: SettableClock, drain: Callable[[], int]
) -> None:
    publish(runtime, "outcome", seller)
    clock.now += timedelta(days=31)
    new = publish(runtime, "outcome", seller)
    drain()
    with runtime.db.reading() as session:
        found = answering.preview(
            session, runtime.engine, principal(reader), "outcome",
            answering.sought_by(search_of("outcome", {}), None), model="", unlike=0.8, now=clock(),
        )  # fmt: skip
    assert [one.id for one in found.examples] == [new]


# Whose they are


def test_anothers_subscription_is_not_there(runtime: Runtime, desk: Desk, reader: Person) -> None:
    kept = desk.keep(reader)
    with runtime.db.reading() as session, pytest.raises(NotFound):
        subscriptions.get(session, principal(add_member(runtime)), kept.id)


def test_of_a_feeds_token_only_the_digest_is_stored(runtime: Runtime, desk: Desk, reader: Person) -> None:
    kept = desk.keep(reader)
    with runtime.db.writing() as session:
        token = subscriptions.give_feed(session, subscriptions.get(session, principal(reader), kept.id))
    with runtime.db.reading() as session:
        row = session.exec(select(Subscription).where(col(Subscription.id) == kept.id)).one()
        assert token not in repr(row.model_dump())
        assert subscriptions.by_token(session, token).id == kept.id
        with pytest.raises(NotFound):
            subscriptions.by_token(session, token[:-1])
