"""Linked data: what each kind of listing is in the words of schema.org, and that nothing else is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from market.files import linked
from tests.factories import payload

ID = "0192f0c1-7a52-7c3e-9b1d-3f6a8e5d4c21"
HOUSE = {"id": "0192f0c1-1b2c-7d3e-8f40-5a6b7c8d9e0f", "name_zh": "第1研究院", "name_en": "Institute No. 1"}
META = {"id": ID, "language": "both", "organisation": HOUSE, "published_at": "2027-03-01T08:30:00+00:00"}


def graph(noun: str, *rows: dict[str, Any], base: str = "") -> list[dict[str, Any]]:
    """The things of a document, which is one JSON text."""
    document = json.loads(b"".join(linked.document(noun, rows, base=base)))
    assert document["@context"] == "https://schema.org"
    return list(document["@graph"])


def one(noun: str, base: str = "", **changes: Any) -> dict[str, Any]:
    [thing] = graph(noun, {**META, **payload(noun), **changes}, base=base)
    return thing


def tagged(zh: str, en: str) -> list[dict[str, str]]:
    return [{"@language": "zh", "@value": zh}, {"@language": "en", "@value": en}]


def test_an_outcome_is_a_creative_work_with_an_offer_and_measured_properties() -> None:
    thing = one("outcome", inventors=["林知远"], awards=["金奖"], ipc=["C09D163/00"])
    assert thing["@id"] == f"urn:uuid:{ID}"
    assert thing["@type"] == ["CreativeWork", "Product"]
    assert thing["additionalType"].endswith("outcome_kinds#new_material")
    assert thing["name"] == tagged(
        "海上风电塔筒长效防腐涂层", "Long-life anti-corrosion coating for offshore wind towers"
    )
    assert thing["inLanguage"] == ["zh", "en"]
    assert thing["keywords"] == ["防腐涂层", "潮差区", "graphene"]
    assert thing["creator"] == [{"@type": "Person", "name": "林知远"}]
    assert (thing["offers"]["price"], thing["offers"]["priceCurrency"]) == (1_800_000, "CNY")
    assert thing["provider"]["name"] == tagged("第1研究院", "Institute No. 1")
    readiness, salt = thing["additionalProperty"]
    assert (readiness["propertyID"], readiness["value"]) == ("TRL", 7)
    assert salt == {"@type": "PropertyValue", "name": "耐盐雾时间", "minValue": 4000, "unitText": "h"}
    assert "C09D163/00" in [term["termCode"] for term in thing["about"]]


def test_codes_are_defined_terms_of_their_vocabulary_in_both_languages() -> None:
    field = one("outcome", base="https://qiao.example")["about"][0]
    assert field == {
        "@type": "DefinedTerm",
        "termCode": "new_materials",
        "name": tagged("新材料", "New materials"),
        "inDefinedTermSet": "https://qiao.example/api/v1/vocabularies?name=fields",
    }
    assert one("outcome", base="https://qiao.example")["url"] == f"https://qiao.example/api/v1/outcomes/{ID}"


def test_an_expert_is_a_person_whose_works_name_them_as_author() -> None:
    thing = one("expert", orcid="0000-0002-1825-0097", degree="doctor")
    assert thing["@type"] == "Person"
    assert thing["sameAs"] == "https://orcid.org/0000-0002-1825-0097"
    assert thing["affiliation"]["@id"] == f"urn:uuid:{HOUSE['id']}"
    assert thing["jobTitle"][0]["termCode"] == "professor"
    assert "防腐涂层" in thing["knowsAbout"]
    [work] = thing["@reverse"]["author"]
    assert (work["@type"], work["datePublished"]) == ("ScholarlyArticle", "2025")
    assert [place["identifier"] for place in thing["makesOffer"]["areaServed"]] == ["120000", "110000"]


def test_a_demand_is_sought_by_its_organisation_unless_that_is_masked() -> None:
    thing = one("demand", deadline="2027-09-30")
    assert thing["@type"] == "Demand"
    assert thing["@reverse"]["seeks"]["@id"] == f"urn:uuid:{HOUSE['id']}"
    assert (thing["priceSpecification"]["maxPrice"], thing["validThrough"]) == (2_000_000, "2027-09-30")
    readiness, _ = thing["itemOffered"]["additionalProperty"]
    assert (readiness["minValue"], readiness["maxValue"]) == (6, 9)
    masked = one("demand", organisation=None)
    assert "@reverse" not in masked
    assert "第1研究院" not in json.dumps(masked, ensure_ascii=False)


def test_a_contact_is_said_only_where_the_row_has_it() -> None:
    for noun in ("outcome", "expert", "demand"):
        assert "ContactPoint" not in json.dumps(one(noun))
        assert "022-1" in json.dumps(one(noun, contact_phone="022-1"))


@pytest.mark.parametrize("noun", ["outcome", "expert", "demand"])
def test_what_is_unknown_is_left_out(noun: str) -> None:
    [thing] = graph(noun, {"id": ID})
    assert set(thing) == {"@id", "@type"}


def test_a_price_of_nothing_is_a_price() -> None:
    assert one("outcome", price=0)["offers"]["price"] == 0


def test_a_document_of_none_is_an_empty_graph_and_comes_in_pieces() -> None:
    assert graph("outcome") == []
    assert len(list(linked.document("outcome", [META] * 5))) > 5
