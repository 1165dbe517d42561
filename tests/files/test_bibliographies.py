"""Bibliographies become works: what is taken of each format, what is one work, and that nothing breaks it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from market.files.bibliographies import LARGEST, TOO_MANY_PARTS, works_of
from schemas.experts import WorkFields
from tests.pace import within

BIBTEX = r"""
@string{jms = "Journal of Materials Science"}
@comment{exported by hand}
@article{mueller2021,
  author = {M{\"u}ller, J. and Wang, Fang},
  title = {Corrosion of {Fe}--{Cr} alloys in {S}\o rensen's cell: $\alpha$ phase},
  journal = jms # ", Part " # {B},
  year = 2021, month = jan,
  doi = {https://doi.org/10.1007/S10853-021-01234-5},
  abstract = "A 50% longer life {\'e}tude."
}
@patent{zl, title = {一种{石墨烯}改性防腐涂层}, number = {ZL202310123456.7}, date = {2023-05-06}}
@inproceedings{talk, title = {Blistering in the tidal zone}, crossref = {conf}}
@proceedings{conf, title = {Corrosion Days}, year = {2019}}
@misc{site, title = {Data of the salt spray test}, url = {https://data.example/salt}}
"""

ORCID_WORKS = {
    "last-modified-date": {"value": 1700000000000},
    "group": [
        {
            "external-ids": {"external-id": []},
            "work-summary": [
                {"put-code": 1, "display-index": "0", "title": {"title": {"value": "Old wording"}}},
                {
                    "put-code": 2,
                    "display-index": "2",
                    "title": {"title": {"value": "Self-healing coatings"}, "subtitle": None},
                    "external-ids": {
                        "external-id": [
                            {"external-id-type": "issn", "external-id-value": "1234-5678"},
                            {"external-id-type": "doi", "external-id-value": "10.1000/heal", "external-id-url": None},
                        ]
                    },
                    "type": "journal-article",
                    "publication-date": {"year": {"value": "2020"}, "month": None},
                },
            ],
        },
        {"work-summary": [{"put-code": 3, "title": {"title": {"value": "A patent"}}, "type": "patent"}]},
    ],
}
ORCID_WORK = {
    "put-code": 9,
    "title": {"title": {"value": "One work"}},
    "short-description": "What it is about.",
    "type": "software",
    "publication-date": {"year": {"value": "2018"}},
    "url": {"value": "https://code.example/x"},
}
CSL = {
    "id": "x1",
    "type": "article-journal",
    "title": "Films of <i>MoS</i><sub>2</sub> &amp; graphene",
    "issued": {"date-parts": [[2022, 4, 1]]},
    "DOI": "10.1000/mos2",
    "URL": "https://resolve.example/10.1000/mos2",
    "abstract": "<jats:p>Thin films.</jats:p>",
}


def read(source: Any, **options: Any) -> list[dict[str, Any]]:
    """The works of a source that has no faults."""
    works, faults = works_of(as_bytes(source), **options)
    assert faults == []
    return works


def as_bytes(source: Any) -> bytes:
    return source.encode() if isinstance(source, str) else json.dumps(source, ensure_ascii=False).encode()


def test_bibtex_becomes_works_with_accents_formulas_and_numbers_as_people_read_them() -> None:
    paper, patent, talk, site = read(BIBTEX, name="works.bib")
    assert paper == {
        "kind": "paper",
        "title": "Corrosion of Fe–Cr alloys in Sørensen's cell: α phase",
        "abstract": "A 50% longer life étude.",
        "year": 2021,
        "identifier": "10.1007/S10853-021-01234-5",
    }
    assert (patent["kind"], patent["title"], patent["year"]) == ("patent", "一种石墨烯改性防腐涂层", 2023)
    assert patent["identifier"] == "ZL202310123456.7"
    assert (talk["title"], talk["year"]) == ("Blistering in the tidal zone", 2019)
    assert site["identifier"] == "https://data.example/salt"


def test_bibtex_in_gb18030_is_read() -> None:
    assert works_of(BIBTEX.encode("gb18030", "ignore"))[0][1]["title"] == "一种石墨烯改性防腐涂层"


@pytest.mark.parametrize("source", [[CSL], CSL, {"items": [CSL]}])
def test_csl_json_is_read_as_a_list_or_an_object(source: Any) -> None:
    assert read(source) == [
        {
            "kind": "paper",
            "title": "Films of MoS2 & graphene",
            "abstract": "Thin films.",
            "year": 2022,
            "identifier": "10.1000/mos2",
        }
    ]


@pytest.mark.parametrize(
    "source", [ORCID_WORKS, {"works": ORCID_WORKS}, {"activities-summary": {"works": ORCID_WORKS}}]
)
def test_of_what_orcid_groups_as_one_work_the_preferred_version_is_taken(source: Any) -> None:
    first, second = read(source)
    assert (first["title"], first["year"], first["identifier"]) == ("Self-healing coatings", 2020, "10.1000/heal")
    assert (second["title"], second["kind"]) == ("A patent", "patent")


@pytest.mark.parametrize("source", [ORCID_WORK, {"bulk": [{"work": ORCID_WORK}]}, [ORCID_WORK]])
def test_a_single_work_of_orcid_is_read_with_its_description(source: Any) -> None:
    assert read(source) == [
        {
            "kind": "software",
            "title": "One work",
            "abstract": "What it is about.",
            "year": 2018,
            "identifier": "https://code.example/x",
        }
    ]


def test_two_entries_of_one_doi_or_of_one_title_and_year_are_one_work_that_has_what_either_knows() -> None:
    works = read(
        [
            {"title": "Coatings, old and new", "DOI": "10.1000/ABC"},
            {"title": "Another title", "DOI": "https://doi.org/10.1000/abc", "issued": {"date-parts": [[2001]]}},
            {"title": "COATINGS old AND new", "abstract": "Told at length."},
            {"title": "Coatings, old and new", "issued": {"date-parts": [[1999]]}},
        ]
    )
    assert [(work["title"], work["year"], work["abstract"]) for work in works] == [
        ("Coatings, old and new", 2001, "Told at length."),
        ("Coatings, old and new", 1999, ""),
    ]


def test_a_missing_bracket_spoils_one_entry_which_is_named_with_its_line_in_both_languages() -> None:
    works, [fault] = works_of(b"@article{good, title={A}}\n\n@article{bad, title={B\n@article{fine, title={C}}\n")
    assert [work["title"] for work in works] == ["A", "C"]
    assert (fault.key, fault.line) == ("bad", 3)
    assert fault.message.text("en") != fault.message.text("zh")


def test_an_entry_without_a_title_is_named() -> None:
    works, [fault] = works_of(b"@article{nameless, year = 2020}")
    assert (works, fault.key, fault.line) == ([], "nameless", 1)


def test_at_most_two_hundred_works_are_taken_and_the_first_left_out_is_named() -> None:
    works, [fault] = works_of("\n".join(f"@book{{k{n}, title = {{No. {n}}}}}" for n in range(250)).encode())
    assert (len(works), fault.key, fault.line) == (200, "k200", 201)


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\xff\xfe\x00",
        b"hello",
        b"[" * 100_000,
        b'{"a": 1}',
        b"[1, null, [[]]]",
        b'{"title": {"title": null}}',
        b"@" * LARGEST,
        b" " * (LARGEST + 1),
    ],
)
def test_what_is_no_bibliography_is_one_fault(source: bytes) -> None:
    works, faults = works_of(source)
    assert (works, len(faults)) == ([], 1)


@pytest.mark.parametrize(
    "source",
    [
        b"@a{" * (LARGEST // 3),
        b"@a{x,t={a\n" * (LARGEST // 10),
        b"".join(b"@a{k%d,title={A}}\n" % number for number in range(200_000)),
        b"@a{k,title={" + b"\\o " * 20_000 + b"}}",
        b"".join(b"@a{k%d,title={A%d},abstract={%s}}\n" % (n, n, b"\\'{e}%d" % n * 800) for n in range(300)),
        b'@string{a = "ab"}\n' + b"@string{a = a # a # a # a}\n" * 40 + b"@a{k, title = a}",
        b'[{"title": "x", "abstract": "' + b"<a" * (LARGEST // 2 - 50) + b'"}]',
        b"[{}" + b",{}" * (LARGEST // 3 - 2) + b"]",
    ],
    ids=["open", "unclosed", "same", "commands", "latex", "strings", "tags", "nothing"],
)
def test_the_worst_five_megabytes_are_done_with_soon(source: bytes) -> None:
    with within(2):
        works, _ = works_of(source)
    assert len(works) <= 200


def test_json_of_a_million_parts_is_refused_before_it_fills_the_memory() -> None:
    works, faults = works_of(b"[{}" + b",{}" * 1_000_000 + b"]")
    assert works == []
    assert [one.message for one in faults] == [TOO_MANY_PARTS.format(max=200_000)]


PIECES = some.sampled_from(
    ["@article", "{", "}", '"', ",", "=", "#", "\n", "title", "year", "2020", "\\'", "$", "\\frac", "%", "@string",
     "a", "\x00", "\ud7ff", "漢", '[{"title":', '"x"', "}]", "\\u0007", "<b>", "&#0;", "crossref", "doi", "10.1000/x"]
)  # fmt: skip
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3)
    | some.dictionaries(
        some.sampled_from(
            ["title", "value", "group", "work-summary", "works", "DOI", "issued", "date-parts", "external-ids",
             "external-id", "bulk", "work", "items", "type", "publication-date", "year", "display-index"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(
    some.binary(max_size=200)
    | some.lists(PIECES, max_size=60).map(lambda pieces: "".join(pieces).encode())
    | JSON.map(lambda data: json.dumps(data).encode()),
    some.sampled_from(["auto", "bibtex", "csl", "orcid"]),
)
def test_whatever_the_bytes_there_are_works_that_their_schema_takes_or_faults(source: bytes, fmt: Any) -> None:
    works, faults = works_of(source, fmt=fmt)
    assert works or faults
    assert WorkFields(many=True).load(works) == works
    assert all(fault.message.zh and str(fault.message) for fault in faults)
