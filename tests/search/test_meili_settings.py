"""What indexes on a Meilisearch server are set to: declared, compared, mended, and that it works there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from asking import RUN, Server, done, indexes, tasks
from samples import THREE, ids, titled

from search import thesaurus
from search.engine import AnyOf, BadQuery, EngineUnavailable, Query
from search.indexes import INDEXES, OUTCOMES, TextField
from search.meili import MeiliEngine, settings
from search.meili.browsers import front_settings

NewMeili = Callable[..., MeiliEngine]


@pytest.fixture(scope="module")
def library(new_meili: NewMeili) -> MeiliEngine:
    """An engine of all indexes as declared, with those for browsers, and three outcomes."""
    engine = new_meili(prefix=f"{RUN}settings-library_", specs=INDEXES, browsed=True)
    engine.sync(apply=True)
    engine.put("outcomes", THREE)
    return engine


def named(engine: MeiliEngine) -> dict[str, list[str]]:
    return {name: list(parts) for name, parts in engine.sync(apply=False).items()}


def live(engine: MeiliEngine, server: Server, prefix: str) -> str:
    """The name of the index of outcomes."""
    (name,) = (one for one in indexes(server, f"{prefix}outcomes_") if not one.endswith("_front"))
    return name


# Sync


def test_a_server_that_is_as_declared_is_told_nothing(library: MeiliEngine, meili: Server) -> None:
    before = tasks(meili, f"{RUN}settings-library_")
    assert named(library) == {}
    assert library.sync(apply=True) == {}
    assert tasks(meili, f"{RUN}settings-library_") == before
    library.ready()


def test_what_is_missing_is_named_then_made_then_no_longer_named(new_meili: NewMeili, meili: Server) -> None:
    engine = new_meili(prefix=f"{RUN}made_", browsed=True)
    with pytest.raises(EngineUnavailable, match=r"made_outcomes_\w+_front not there"):
        engine.ready()
    missing = named(engine)
    assert [*missing.values()] == [["missing"]] * 2
    assert indexes(meili, f"{RUN}made_") == []
    assert {name: list(parts) for name, parts in engine.sync(apply=True).items()} == missing
    assert indexes(meili, f"{RUN}made_") == sorted(missing)
    assert named(engine) == {}
    engine.ready()


# The last cannot be done to an index that holds documents without vectors.
BY_HAND: list[tuple[dict[str, Any], str]] = [
    ({"stopWords": ["电池"]}, "stopWords"),
    ({"synonyms": {"mof": ["机器人"]}}, "synonyms"),
    ({"dictionary": ["电池"]}, "dictionary"),
    ({"distinctAttribute": "kind"}, "distinctAttribute"),
    ({"separatorTokens": ["石"]}, "separatorTokens"),
    ({"pagination": {"maxTotalHits": 1}}, "pagination"),
    ({"faceting": {"sortFacetValuesBy": {"*": "count", "kind": "alpha"}}}, "faceting"),
    ({"faceting": {"maxValuesPerFacet": 1}}, "faceting"),
    ({"typoTolerance": {"disableOnNumbers": False}}, "typoTolerance"),
    ({"typoTolerance": {"disableOnWords": ["graphene"]}}, "typoTolerance"),
    ({"rankingRules": ["words"]}, "rankingRules"),
    ({"displayedAttributes": ["id"]}, "displayedAttributes"),
    ({"filterableAttributes": ["kind"]}, "filterableAttributes"),
    ({"sortableAttributes": []}, "sortableAttributes"),
    ({"localizedAttributes": None}, "localizedAttributes"),
    ({"facetSearch": True}, "facetSearch"),
    ({"searchCutoffMs": 5}, "searchCutoffMs"),
    ({"embedders": {"listing": {"source": "userProvided", "dimensions": 3}}}, "embedders"),
]


def test_what_was_changed_by_hand_is_named_and_only_that_index_is_mended(library: MeiliEngine, meili: Server) -> None:
    name = live(library, meili, f"{RUN}settings-library_")
    wrong: dict[str, Any] = {}
    for change, _ in BY_HAND[:-1]:
        wrong |= {key: {**wrong.get(key, {}), **value} if isinstance(value, dict) else value
                  for key, value in change.items()}  # fmt: skip
    assert done(meili, "PATCH", f"indexes/{name}/settings", wrong)["error"] is None
    assert named(library) == {name: sorted({setting for _, setting in BY_HAND[:-1]})}
    with pytest.raises(EngineUnavailable, match="market search sync"):
        library.search("outcomes", Query(filters=(AnyOf("readers", ("public",)),)))
    before = tasks(meili, f"{RUN}settings-library_")
    library.sync(apply=True)
    assert tasks(meili, f"{RUN}settings-library_") == before + 1
    assert named(library) == {}
    assert ids(library, "石墨烯") == {"graphene"}


@pytest.mark.parametrize(("change", "setting"), BY_HAND)
def test_each_change_alone_is_a_difference(change: dict[str, Any], setting: str) -> None:
    wanted = settings.declared(OUTCOMES)
    changed = {
        key: {**wanted[key], **value} if isinstance(value, dict) and key != "synonyms" else value
        for key, value in change.items()
    }
    assert settings.differences(wanted, wanted) == {}
    assert [*settings.differences(wanted, wanted | changed)] == [setting]


def test_an_embedder_too_many_is_forgotten(new_meili: NewMeili, meili: Server) -> None:
    spec = dataclasses.replace(OUTCOMES, dimensions=4)
    engine = new_meili(prefix=f"{RUN}embedders_", specs={"outcomes": spec})
    engine.sync(apply=True)
    more = {"other": {"source": "userProvided", "dimensions": 2}}
    done(meili, "PATCH", f"indexes/{settings.uid(f'{RUN}embedders_', spec)}/settings", {"embedders": more})
    assert [*named(engine).values()] == [["embedders"]]
    engine.sync(apply=True)
    assert named(engine) == {}


def test_an_index_whose_maker_was_killed_before_it_was_set_is_set_by_the_next_to_write(
    new_meili: NewMeili, meili: Server
) -> None:
    engine = new_meili(prefix=f"{RUN}halfway_")
    name = settings.uid(f"{RUN}halfway_", OUTCOMES)
    for made in ({"uid": name, "primaryKey": "id"}, {"uid": f"{name}_front"}):
        done(meili, "POST", "indexes", made)
    engine.put("outcomes", THREE)
    assert named(engine) == {f"{name}_front": ["outdated"]}
    assert ids(engine, filters=(AnyOf("kind", ("patent",)),)) == {"graphene"}


def test_two_hosts_may_make_the_same_index(new_meili: NewMeili) -> None:
    one, other = new_meili(prefix=f"{RUN}both_"), new_meili(prefix=f"{RUN}both_")
    one.put("outcomes", THREE[:1])
    other.put("outcomes", THREE[1:])
    assert one.count("outcomes") == other.count("outcomes") == 3
    assert named(one) == {}


# Older indexes


def test_a_new_declaration_fills_an_index_beside_the_old_one_until_sync_removes_that(
    new_meili: NewMeili, meili: Server
) -> None:
    newer = dataclasses.replace(OUTCOMES, text=(*OUTCOMES.text, TextField("claims", 1, "any")))
    old, new = new_meili(prefix=f"{RUN}aged_"), new_meili(prefix=f"{RUN}aged_", specs={"outcomes": newer})
    old.put("outcomes", THREE)
    assert dict(new.versions("outcomes")) == {}
    new.put("outcomes", [{"id": "n", "version": 1, "claims": "权利要求"}])
    assert (old.count("outcomes"), new.count("outcomes")) == (3, 1)
    outdated = settings.uid(f"{RUN}aged_", OUTCOMES)
    assert named(new) == {outdated: ["outdated"]}
    assert old.count("outcomes") == 3
    new.sync(apply=True)
    assert indexes(meili, f"{RUN}aged_") == [settings.uid(f"{RUN}aged_", newer)]
    assert named(new) == {}
    with pytest.raises(EngineUnavailable, match="market search sync"):
        old.search("outcomes", Query())


def test_sync_removes_nothing_of_another_installation(new_meili: NewMeili, meili: Server) -> None:
    engine = new_meili(prefix=f"{RUN}ours_")
    engine.sync(apply=True)
    others = [
        f"{RUN}ours_{name}" for name in ("outcomes_mine", "2_outcomes_0123456789ab", "outcomes_outcomes_0123456789ab")
    ]
    leftovers = [
        f"{RUN}ours_outcomes_0123456789ab{ending}" for ending in ("", "_front", "_front_next_01", "_next_01")
    ]
    for name in (*others, *leftovers):
        done(meili, "POST", "indexes", {"uid": name})
    assert named(engine) == {name: ["outdated"] for name in leftovers}
    engine.sync(apply=True)
    assert set(others) == {*indexes(meili, f"{RUN}ours_")} - {settings.uid(f"{RUN}ours_", OUTCOMES)}


# Words


@pytest.fixture(scope="module")
def words(new_meili: NewMeili) -> MeiliEngine:
    """One outcome a name of each of some concepts: its id is <concept>-<name>."""
    engine = new_meili()
    engine.put(
        "outcomes",
        [
            {
                "id": f"c{number}-{place}",
                "version": 1,
                language_of(term): f"{filling(term)[0]}{term}{filling(term)[1]}",
            }
            for number, concept in enumerate(CONCEPTS)
            for place, term in enumerate(concept.terms)
        ],
    )
    return engine


CHOSEN = (
    *(
        "石墨烯",
        "碳纳米管",
        "碳化硅",
        "稀土",
        "聚氯乙烯",
        "钕铁硼",
        "热电材料",
        "燃料电池",
        "量子点",
        "气凝胶",
        "水凝胶",
    ),
    *("膜电极", "形状记忆合金", "超导材料"),
)
CONCEPTS = tuple(concept for concept in thesaurus.concepts() if concept.zh[0] in CHOSEN)


def language_of(term: str) -> str:
    return "title_en" if term.isascii() else "title_zh"


def filling(term: str) -> tuple[str, str]:
    """Something before and after."""
    return ("a novel ", " for industry") if term.isascii() else ("一种", "的制备")


@pytest.mark.parametrize("number", range(len(CHOSEN)), ids=[concept.en[0] for concept in CONCEPTS])
def test_every_name_of_a_concept_finds_all_its_names(words: MeiliEngine, number: int) -> None:
    concept = CONCEPTS[number]
    everything = {f"c{number}-{place}" for place in range(len(concept.terms))}
    found = {term: ids(words, term) for term in concept.terms}
    assert {term: everything - names for term, names in found.items()} == {term: set() for term in concept.terms}


def test_words_of_the_dictionary_are_not_found_by_their_pieces_in_another_order(new_meili: NewMeili) -> None:
    engine = new_meili()
    engine.put("outcomes", titled("钙钛矿太阳能电池", "矿山用太阳能"))
    assert ids(engine, "钙钛矿") == {"o0"}
    assert ids(engine, "矿山") == {"o1"}


def test_typing_errors_are_forgiven_in_latin_words_only(new_meili: NewMeili) -> None:
    engine = new_meili()
    fields = {"title_en": "Graphene electrolyte GB36276 12345678", "title_zh": "石墨烯电解质膜材料"}
    engine.put("outcomes", [{"id": "a", "version": 1, **fields}])
    for text in ("grapheme", "electrolite", "graphene electrolite"):
        assert ids(engine, text) == {"a"}, text
    for text in ("GB36277", "12345679", "石墨稀", "电解质模", "graphxxxx"):
        assert ids(engine, text) == set(), text


def test_browsers_are_forgiven_no_typing_errors_in_chinese_fields() -> None:
    typos = front_settings(OUTCOMES)["typoTolerance"]
    assert typos["disableOnNumbers"]
    assert {"title_zh", "summary_zh"} <= {*typos["disableOnAttributes"]}
    assert "title_en" not in typos["disableOnAttributes"]


def test_an_unknown_index_is_refused_before_anything_is_asked(new_meili: NewMeili) -> None:
    engine = new_meili()
    for act in (engine.count, engine.versions, lambda name: engine.put(name, THREE)):
        with pytest.raises(BadQuery):
            act("nothing")
