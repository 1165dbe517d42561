"""What somebody with a browser's key can get out of a Meilisearch server, and what not, by raw requests."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asking import RUN, Server, ask, encoded, parent, signed

from search.engine import AnyOf, BadQuery, BrowserKey, Document, EngineUnavailable, Query, Unsupported
from search.indexes import DEMANDS, INDEXES, OUTCOMES
from search.meili import MeiliEngine

NewMeili = Callable[..., MeiliEngine]

OWN, OTHER = "organisation:0190-ours", "organisation:0190-theirs"
CANARY = "kanarienvogel"
"""Stands in every field that is not public, and nowhere else."""

_HIDDEN_TEXTS = {field.name for field in DEMANDS.text} - {*DEMANDS.public}
_HIDDEN_KEYWORDS = {*DEMANDS.keywords} - {*DEMANDS.public, "readers", "state"}
_HIDDEN_NUMBERS = {*DEMANDS.numbers} - {*DEMANDS.public}
SECRET_NUMBER = 41_424_344


def demand(name: str, *readers: str, state: str = "published", **fields: Any) -> Document:
    """A demand with the canary in all that is not public."""
    hidden: dict[str, Any] = {field: f"{CANARY} {field}" for field in _HIDDEN_TEXTS}
    hidden |= {field: [CANARY, f"{CANARY}_{field}"] for field in _HIDDEN_KEYWORDS}
    hidden |= dict.fromkeys(_HIDDEN_NUMBERS, SECRET_NUMBER)
    shown = {"title_zh": f"需要电池 {name}", "title_en": "Wanted: batteries", "field": "energy", "deadline": 20}
    return {"id": name, "version": 1, **hidden, **shown, "readers": [*readers], "state": state, **fields}


ALL = ("staff", f"user:{CANARY}")
DOCUMENTS = (
    demand("open", *ALL, OTHER, "public", region=["110000"]),
    demand("masked", *ALL, f"organisation:{CANARY}", "public", region=["120000"]),
    demand("ours", *ALL, OWN, state="draft", region=["130000"]),
    demand("theirs", *ALL, OTHER, state="draft", region=["149999"], title_zh=f"{CANARY}的电池", deadline=77_777),
)
VISIBLE = {"visitor": {"open", "masked"}, "member": {"open", "masked", "ours"}}
REGIONS = {"visitor": {"110000": 1, "120000": 1}, "member": {"110000": 1, "120000": 1, "130000": 1}}
Keys = dict[str, BrowserKey]
WHO = pytest.mark.parametrize("who", ["visitor", "member"])


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=10)


@pytest.fixture(scope="module")
def engine(new_meili: NewMeili) -> MeiliEngine:
    engine = new_meili(prefix=f"{RUN}browsed_", specs={"demands": DEMANDS, "outcomes": OUTCOMES}, browsed=True)
    engine.sync(apply=True)
    engine.put("demands", DOCUMENTS)
    return engine


@pytest.fixture(scope="module")
def keys(engine: MeiliEngine) -> Keys:
    """A visitor's key, and one of a member of our organisation."""
    readers = {"visitor": ("public",), "member": ("public", OWN, "user:somebody")}
    return {who: engine.browser_key((AnyOf("readers", tags),), expires_at=soon()) for who, tags in readers.items()}


SEARCHES: list[dict[str, Any]] = [
    {},
    {"q": "电池"},
    {"q": "batteries", "matchingStrategy": "all"},
    {"q": CANARY},
    {"q": "kanarienvogle"},
    {"q": f'"{CANARY}"'},
    {"q": "0190-theirs"},
    {"attributesToRetrieve": ["*", "readers", "organisation", "_id", "problem_zh", "_store"]},
    {"q": "电池", "attributesToHighlight": ["*", "readers", "problem_zh", "organisation"]},
    {"q": "电池", "attributesToCrop": ["*", "problem_zh:5", "readers:9"], "cropLength": 3},
    {"q": "电池", "showMatchesPosition": True, "showRankingScore": True, "showRankingScoreDetails": True},
    {"retrieveVectors": True},
    {"facets": ["*"]},
    {"facets": ["region", "readers", "state"]},
    {"facets": ["organisation"]},
    {"distinct": "readers"},
    {"distinct": "organisation"},
    {"attributesToSearchOn": ["*"], "q": CANARY},
    {"attributesToSearchOn": ["problem_zh"], "q": CANARY},
    {"attributesToSearchOn": ["readers"], "q": OTHER},
    {"sort": ["budget_to:asc"]},
    {"sort": ["deadline:desc"]},
    {"sort": ["readers:asc"]},
    {"filter": f'readers = "{OTHER}"'},
    {"filter": f'organisation = "{CANARY}"'},
    {"filter": "organisation EXISTS"},
    {"filter": "budget_to = 41424344"},
    {"filter": "deadline > 1000"},
    {"filter": 'region = "149999"'},
    {"filter": 'state = "draft"'},
    {"filter": "readers EXISTS OR region EXISTS"},
    {"filter": "id EXISTS) OR (readers EXISTS"},
    {"filter": [["readers EXISTS", "NOT readers EXISTS"]]},
    {"filter": "NOT readers = public"},
    {"filter": "_geoRadius(0, 0, 1)"},
    {"hybrid": {"embedder": "listing"}, "vector": [1, 2, 3, 4]},
    {"locales": ["jpn"], "q": "电池"},
    {"page": 1, "hitsPerPage": 1000},
    {"limit": 1000, "offset": 0},
    {"rankingScoreThreshold": 0.0},
    {"personalize": {"userContext": CANARY}},
]


def innocent(status: int, told: Any, who: str, asked: Any = None) -> None:
    """Nothing in an answer comes from what the asker may not see."""
    text = json.dumps(told, ensure_ascii=False)
    if status >= 400:  # a refusal repeats what was asked, and may name fields, but holds nothing of a document
        assert "hits" not in told
        assert CANARY not in text or CANARY in json.dumps(asked)
        return
    told.pop("query", None)
    told.pop("facetQuery", None)
    text = json.dumps(told, ensure_ascii=False)
    for secret in (CANARY, "0190-theirs", str(SECRET_NUMBER), "149999", "77777", "theirs", "staff"):
        assert secret not in text, asked
    for hit in told.get("hits", []):
        assert hit["id"] in VISIBLE[who], asked
        assert {*hit} <= {"id", *DEMANDS.public, "_formatted", "_matchesPosition", "_federation",
                          "_rankingScore", "_rankingScoreDetails"}, asked  # fmt: skip
        assert {*hit.get("_formatted", {})} <= {"id", *DEMANDS.public}, asked
        assert {*hit.get("_matchesPosition", {})} <= {*DEMANDS.public}, asked
    assert told.get("estimatedTotalHits", 0) <= len(VISIBLE[who])
    assert told.get("totalHits", 0) <= len(VISIBLE[who])
    for name, counts in (told.get("facetDistribution") or {}).items():
        assert max(counts.values(), default=0) <= len(VISIBLE[who]), (name, counts)
    for name, ends in (told.get("facetStats") or {}).items():
        assert ends["max"] < 1_000, name


@WHO
@pytest.mark.parametrize("body", SEARCHES, ids=json.dumps)
def test_whatever_a_search_asks_only_public_fields_of_visible_rows_come_back(
    meili: Server, keys: Keys, who: str, body: dict[str, Any]
) -> None:
    key = keys[who]
    name = key.indexes["demands"]
    innocent(*ask(meili, "POST", f"indexes/{name}/search", body, key=key.token), who, body)
    several = {"queries": [{"indexUid": name, **body}]}
    status, told = ask(meili, "POST", "multi-search", several, key=key.token)
    for one in told["results"] if status == 200 else [told]:
        innocent(status, one, who, body)
    federated = {"federation": {}, **several}
    innocent(*ask(meili, "POST", "multi-search", federated, key=key.token), who, body)


@WHO
def test_a_key_finds_and_counts_what_its_holder_may_see(meili: Server, keys: Keys, who: str) -> None:
    key = keys[who]
    path = f"indexes/{key.indexes['demands']}/search"
    for text in ("", "电池", "batterie"):
        status, found = ask(meili, "POST", path, {"q": text, "facets": ["region"]}, key=key.token)
        assert status == 200
        assert {hit["id"] for hit in found["hits"]} == VISIBLE[who]
        assert found["estimatedTotalHits"] == len(VISIBLE[who])
        assert found["facetDistribution"] == {"region": REGIONS[who]}
    deadlines = ask(meili, "POST", path, {"facets": ["deadline"]}, key=key.token)[1]
    assert deadlines.get("facetStats", {}).get("deadline", {"max": 20})["max"] == 20


def test_browsers_learn_nothing_of_who_else_reads(meili: Server, keys: Keys) -> None:
    for who, key in keys.items():
        path = f"indexes/{key.indexes['demands']}/search"
        found = ask(meili, "POST", path, {"facets": ["*"]}, key=key.token)[1]["facetDistribution"]
        assert not {*found.get("readers", {})} & {*ALL, OWN, OTHER}
        assert "organisation" not in found
        for guess in (OTHER, f"organisation:{CANARY}", "staff", f"user:{CANARY}"):
            for condition in (
                f'readers = "{guess}"',
                f'readers CONTAINS "{guess}"',
                f'readers STARTS WITH "{guess}"',
            ):
                assert not ask(meili, "POST", path, {"filter": condition}, key=key.token)[1].get("hits"), (
                    who,
                    condition,
                )


@WHO
def test_facet_search_knows_only_what_is_visible(meili: Server, keys: Keys, who: str) -> None:
    key = keys[who]
    path = f"indexes/{key.indexes['demands']}/facet-search"
    for name in ("region", "readers", "state", "organisation", "title_zh", "_id", "id", "*"):
        for text in ("", "1", "14", "organisation", CANARY, "dra"):
            body = {"facetName": name, "facetQuery": text}
            status, told = ask(meili, "POST", path, body, key=key.token)
            innocent(status, told, who, body)
            if name == "region":
                assert {hit["value"] for hit in told["facetHits"]} <= {*REGIONS[who]}
            else:
                assert status >= 400


REFUSED = [
    ("GET", "indexes"), ("GET", "stats"), ("GET", "keys"), ("GET", "tasks"), ("GET", "batches"), ("GET", "version"),
    ("GET", "metrics"), ("GET", "experimental-features"), ("GET", "network"), ("GET", "webhooks"),
    ("GET", "indexes/{uid}"), ("GET", "indexes/{uid}/settings"), ("GET", "indexes/{uid}/stats"),
    ("GET", "indexes/{uid}/documents"), ("GET", "indexes/{uid}/documents/open"), ("GET", "indexes/{uid}/fields"),
    ("POST", "indexes/{uid}/documents/fetch"), ("POST", "indexes/{uid}/documents"),
    ("PUT", "indexes/{uid}/documents"),
    ("DELETE", "indexes/{uid}/documents"), ("POST", "indexes/{uid}/documents/delete-batch"),
    ("POST", "indexes/{uid}/similar"), ("GET", "indexes/{uid}/similar"), ("PATCH", "indexes/{uid}/settings"),
    ("DELETE", "indexes/{uid}"), ("POST", "indexes"), ("POST", "swap-indexes"), ("POST", "keys"), ("POST", "dumps"),
    ("POST", "snapshots"), ("POST", "export"), ("POST", "indexes/{main}/search"), ("GET", "indexes/{main}/search"),
    ("POST", "indexes/{main}/facet-search"), ("GET", "indexes/{main}/documents"), ("POST", "indexes/other/search"),
    ("POST", "chats/x/chat/completions"), ("GET", "chats"), ("DELETE", "tasks"), ("POST", "tasks/cancel"),
]  # fmt: skip
BODIES: dict[str, Any] = {
    "documents": [{"id": "x"}],
    "delete-batch": ["open"],
    "similar": {"id": "theirs", "embedder": "listing"},
    "facet-search": {"facetName": "region"},
    "indexes": {"uid": "x"},
    "swap-indexes": [],
    "keys": {"actions": ["*"], "indexes": ["*"], "expiresAt": None},
    "export": {"url": "http://127.0.0.1:1"},
    "completions": {"model": "x", "messages": [], "stream": True},
}


@pytest.mark.parametrize(("method", "path"), REFUSED)
def test_a_key_is_for_searching_and_for_nothing_else(
    engine: MeiliEngine, meili: Server, keys: Keys, method: str, path: str
) -> None:
    uid = keys["member"].indexes["demands"]
    body = None if method in ("GET", "DELETE") else BODIES.get(path.rsplit("/", 1)[-1], {})
    query = "?id=theirs&embedder=listing" if path.endswith("similar") else ""
    asked = path.format(uid=uid, main=uid.removesuffix("_front")) + query
    identity, value = parent(meili, keys["member"])
    for key in (keys["visitor"].token, keys["member"].token, value):
        status, told = ask(meili, method, asked, body, key=key)
        assert status in (400, 401, 403, 404, 405), (told, identity)
        innocent(status, told or {}, "visitor", asked)
    assert engine.count("demands") == len(DOCUMENTS)


def test_other_indexes_are_refused_in_the_middle_of_several_questions(meili: Server, keys: Keys) -> None:
    uid = keys["member"].indexes["demands"]
    for other in (uid.removesuffix("_front"), "settings-library_outcomes", "*"):
        queries = [{"indexUid": uid}, {"indexUid": other}]
        for body in (
            {"queries": queries},
            {"queries": queries, "federation": {"facetsByIndex": {other: ["readers"]}}},
        ):
            status, told = ask(meili, "POST", "multi-search", body, key=keys["member"].token)
            assert status in (400, 403, 404)
            innocent(status, told, "member", body)


def test_federated_facets_count_visible_rows_only(meili: Server, keys: Keys) -> None:
    for who, key in keys.items():
        uid = key.indexes["demands"]
        body = {
            "federation": {"facetsByIndex": {uid: ["region", "readers", "state"]}},
            "queries": [{"indexUid": uid}],
        }
        status, told = ask(meili, "POST", "multi-search", body, key=key.token)
        assert status == 200
        assert told["facetsByIndex"][uid]["distribution"]["region"] == REGIONS[who]
        assert "149999" not in json.dumps(told)


# The token itself


def test_a_token_that_is_expired_or_tampered_with_is_refused(meili: Server, keys: Keys) -> None:
    key = keys["visitor"]
    identity, value = parent(meili, key)
    path = f"indexes/{key.indexes['demands']}/search"
    now = datetime.now(UTC).timestamp()
    assert ask(meili, "POST", path, {}, key=signed(["*"], identity, value, now + 60))[0] == 200
    head, body, signature = key.token.split(".")
    open_rules = encoded({"searchRules": ["*"], "apiKeyUid": identity, "exp": now + 60})
    refused = [
        signed(["*"], identity, value, now - 5),
        signed(["*"], identity, "guessed", now + 60),
        f"{head}.{open_rules}.{signature}",
        f"{encoded({'typ': 'JWT', 'alg': 'none'})}.{open_rules}.",
        f"{head}.{body}.",
        f"{head}.{body}",
        "",
    ]
    for token in refused:
        status, told = ask(meili, "POST", path, {}, key=token)
        assert status in (401, 403), token
        assert "hits" not in told


def test_a_token_ends_when_it_says(engine: MeiliEngine, meili: Server) -> None:
    ends = soon().replace(microsecond=0)
    key = engine.browser_key((AnyOf("readers", ("public",)),), expires_at=ends)
    assert key.expires_at == ends
    told = json.loads(base64.urlsafe_b64decode(key.token.split(".")[1] + "=="))
    assert told["exp"] == int(ends.timestamp())
    assert {*told["searchRules"]} == {*key.indexes.values()}


def test_every_host_makes_tokens_from_the_same_key(engine: MeiliEngine, new_meili: NewMeili, meili: Server) -> None:
    def made(prefix: str) -> tuple[str, str]:
        other = new_meili(prefix=prefix, specs=engine._specs, browsed=True)
        return parent(meili, other.browser_key((AnyOf("readers", ("public",)),), expires_at=soon()))

    assert made(f"{RUN}browsed_") == made(f"{RUN}browsed_")
    assert made(f"{RUN}browsed_")[0] != made(f"{RUN}elsewhere_")[0]


@pytest.mark.parametrize(
    "filters",
    [(), (AnyOf("organisation", ("x",)),), (AnyOf("nothing", ("x",)),), (AnyOf("readers", (1,)),)],
)
def test_a_key_for_everything_or_by_other_fields_is_refused(engine: MeiliEngine, filters: tuple[AnyOf, ...]) -> None:
    with pytest.raises(BadQuery):
        engine.browser_key(filters, expires_at=soon())


def test_a_reader_nobody_is_sees_nothing_and_cannot_end_the_quotes(engine: MeiliEngine, meili: Server) -> None:
    for readers in ((), ("",), ('x" OR readers EXISTS OR readers = "',), ("PUBLIC",), ("ｐｕｂｌｉｃ",)):
        key = engine.browser_key((AnyOf("readers", readers),), expires_at=soon())
        status, told = ask(meili, "POST", f"indexes/{key.indexes['demands']}/search", {}, key=key.token)
        assert (status, told["hits"], told["estimatedTotalHits"]) == (200, [], 0), readers


def test_without_public_indexes_there_is_no_key(new_meili: NewMeili) -> None:
    with pytest.raises(Unsupported, match="MARKET_SEARCH_FRONT"):
        new_meili().browser_key((AnyOf("readers", ("public",)),), expires_at=soon())


# The public index follows


def test_the_public_index_follows_what_is_put_deleted_and_rebuilt(new_meili: NewMeili, meili: Server) -> None:
    engine = new_meili(prefix=f"{RUN}followed_", specs={"demands": DEMANDS}, browsed=True)
    engine.put("demands", DOCUMENTS)
    key = engine.browser_key((AnyOf("readers", ("public",)),), expires_at=soon())

    def found() -> set[str]:
        told = ask(meili, "POST", f"indexes/{key.indexes['demands']}/search", {}, key=key.token)[1]
        return {hit["id"] for hit in told["hits"]}

    assert found() == {"open", "masked"}
    engine.put("demands", [demand("masked", *ALL, OWN, state="withdrawn"), demand("new", "public")])
    assert found() == {"open", "new"}
    engine.delete("demands", ["new", "never-there"])
    assert found() == {"open"}
    assert engine.rebuild("demands", [demand(f"r{number}", "public") for number in range(3)]) == 3
    assert found() == {"r0", "r1", "r2"}
    assert engine.sync(apply=False) == {}
    assert engine.search("demands", Query()).total == 3


def test_every_index_has_public_fields_that_are_declared() -> None:
    for spec in INDEXES.values():
        fields = {*spec.text_names, *spec.keyword_names, *spec.number_names}
        assert {*spec.public} <= fields - {"readers", "state", "organisation"}


def test_a_key_cannot_be_had_from_a_server_that_is_away() -> None:
    engine = MeiliEngine("http://127.0.0.1:9", "key", browsed=True)
    with pytest.raises(EngineUnavailable):
        engine.browser_key((AnyOf("readers", ("public",)),), expires_at=soon())
    engine.close()
