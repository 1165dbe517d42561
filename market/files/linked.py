"""Listings as linked data: schema.org in JSON-LD. Says what is in the rows it is given, and nothing else.

An outcome is a CreativeWork: people made it, it has an abstract, rights holders and awards, and is one of its kind,
not stock. It is a Product too, since measured properties and an offer belong to those; `additionalType` names its
kind in our vocabulary. An expert is a Person, a demand a Demand that its organisation seeks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from market.vocabulary import vocabulary

Thing = dict[str, Any]

CONTEXT = "https://schema.org"
_PERSON = "https://orcid.org/"
_LANGUAGES = {"zh": ["zh"], "en": ["en"], "both": ["zh", "en"]}
_LIMITS = {"at_least": "minValue", "at_most": "maxValue"}
_WORKS = {"book": "Book", "software": "SoftwareSourceCode", "paper": "ScholarlyArticle"}


def document(noun: str, rows: Iterable[Mapping[str, Any]], *, base: str = "") -> Iterator[bytes]:
    """One JSON-LD document with a graph of these listings, in pieces.

    Rows are listings as a caller may see them. `base` is the service's own address, for the vocabularies and for
    each listing's; without it they are named, not addressed.
    """
    yield b'{"@context":%s,"@graph":[' % orjson.dumps(CONTEXT)
    separator = b"\n"
    for row in rows:
        yield separator + orjson.dumps(thing(noun, row, base=base))
        separator = b",\n"
    yield b"\n]}\n"


def thing(noun: str, row: Mapping[str, Any], *, base: str = "") -> Thing:
    """One listing, an outcome, expert or demand; what is empty is left out."""
    described = _DESCRIBED[noun](row, base)
    return _filled(
        {
            **({"@id": f"urn:uuid:{row['id']}"} if row.get("id") else {}),
            **described,
            "url": f"{base}/api/v1/{noun}s/{row['id']}" if base and row.get("id") else None,
            "inLanguage": _LANGUAGES.get(str(row.get("language")), []),
            "dateModified": row.get("updated_at") if noun == "outcome" else None,
        }
    )


def _outcome(row: Mapping[str, Any], base: str) -> Thing:
    kind = row.get("kind")
    return {
        "@type": ["CreativeWork", "Product"],
        "additionalType": f"{_set('outcome_kinds', base)}#{kind}" if kind else None,
        "name": _texts(row, "title"),
        "abstract": _texts(row, "summary"),
        "description": [*_texts(row, "description"), *_texts(row, "advantages")],
        "keywords": row.get("keywords"),
        "about": _subjects(row, base),
        "genre": _term("outcome_categories", row.get("category"), base),
        "creator": [{"@type": "Person", "name": name} for name in row.get("inventors") or ()],
        "copyrightHolder": [{"@type": "Organization", "name": name} for name in row.get("owners") or ()],
        "provider": _organisation(row, contactPoint=_contact(row)),
        "funding": _grant(row, base),
        "award": row.get("awards"),
        "identifier": [
            _filled({"@type": "PropertyValue", "propertyID": one.get("kind"), "value": one.get("number")})
            for one in row.get("ip_rights") or ()
            if one.get("number")
        ],
        "creativeWorkStatus": _term("ip_statuses", row.get("ip_status"), base),
        "additionalProperty": [*_readiness(row, "trl", "trl"), *_indicators(row)],
        "spatialCoverage": _area(row.get("region")),
        "datePublished": row.get("published_at"),
        "offers": _offer(row, base),
    }


def _offer(row: Mapping[str, Any], base: str) -> Thing | None:
    offer = _filled(
        {
            "price": row.get("price"),
            "priceCurrency": "CNY" if row.get("price") is not None else None,
            "description": _both("价格面议", "Price negotiable") if row.get("price_negotiable") else None,
            "category": _terms("cooperation_modes", row.get("cooperation_modes"), base),
            "validThrough": row.get("valid_until"),
        }
    )
    return {"@type": "Offer", **offer} if offer else None


def _expert(row: Mapping[str, Any], base: str) -> Thing:
    services = _terms("expert_cooperation", row.get("cooperation"), base)
    offer = _filled(
        {
            "itemOffered": [{"@type": "Service", "serviceType": service} for service in services],
            "areaServed": [_area(code) for code in row.get("regions_served") or ()],
            "availabilityEnds": row.get("valid_until"),
            "description": _term("availabilities", row.get("availability"), base),
        }
    )
    degree = _term("degrees", row.get("degree"), base)
    orcid = row.get("orcid")
    return {
        "@type": "Person",
        "name": _texts(row, "name"),
        "sameAs": f"{_PERSON}{orcid}" if orcid else None,
        "identifier": {"@type": "PropertyValue", "propertyID": "ORCID", "value": orcid} if orcid else None,
        "jobTitle": [
            *_terms("professional_titles", [row.get("professional_title")], base),
            *filter(None, [row.get("position")]),
        ],
        "hasCredential": degree and {"@type": "EducationalOccupationalCredential", "credentialCategory": degree},
        "affiliation": _organisation(row),
        "description": _texts(row, "biography"),
        "knowsAbout": [*(row.get("keywords") or ()), *_texts(row, "directions"), *_subjects(row, base)],
        "makesOffer": {"@type": "Offer", **offer} if offer else None,
        "contactPoint": _contact(row),
        "@reverse": _filled({"author": [_work(one) for one in row.get("works") or ()]}),
    }


def _work(work: Mapping[str, Any]) -> Thing:
    return _filled(
        {
            "@type": _WORKS.get(str(work.get("kind")), "CreativeWork"),
            "name": work.get("title"),
            "abstract": work.get("abstract"),
            "datePublished": str(work["year"]) if work.get("year") else None,
            "identifier": work.get("identifier"),
        }
    )


def _demand(row: Mapping[str, Any], base: str) -> Thing:
    budget = _filled({"minPrice": row.get("budget_from"), "maxPrice": row.get("budget_to")})
    sought = _filled(
        {
            "keywords": row.get("keywords"),
            "category": _subjects(row, base),
            "additionalProperty": [
                *_readiness(row, "trl_from", "trl_to"),
                *_indicators(row),
            ],
        }
    )
    organisation = _organisation(row, contactPoint=_contact(row))
    notes = [
        *(_both("预算面议", "Budget negotiable") if row.get("budget_negotiable") else ()),
        *_texts(row, "problem"),
        *_texts(row, "background"),
    ]
    return {
        "@type": "Demand",
        "name": _texts(row, "title"),
        "description": notes,
        "itemOffered": {"@type": ["CreativeWork", "Product"], **sought} if sought else None,
        "businessFunction": _terms("cooperation_modes", row.get("cooperation_modes"), base),
        "priceSpecification": {"@type": "PriceSpecification", "priceCurrency": "CNY", **budget} if budget else None,
        "areaServed": _area(row.get("region")),
        "validThrough": row.get("deadline"),
        "availabilityStarts": row.get("published_at"),
        "@reverse": {"seeks": organisation} if organisation else None,
    }


_DESCRIBED: Mapping[str, Callable[[Mapping[str, Any], str], Thing]] = {
    "outcome": _outcome,
    "expert": _expert,
    "demand": _demand,
}


def _organisation(row: Mapping[str, Any], **more: Any) -> Thing | None:
    """Whose it is; where that is masked, what else is known of them."""
    given = row.get("organisation")
    known = given if isinstance(given, Mapping) else {}
    identity = f"urn:uuid:{known['id']}" if known.get("id") else None
    told = _filled({"@id": identity, "name": _texts(known, "name"), **more})
    return {"@type": "Organization", **told} if told else None


def _contact(row: Mapping[str, Any]) -> Thing | None:
    point = _filled(
        {"name": row.get("contact_name"), "telephone": row.get("contact_phone"), "email": row.get("contact_email")}
    )
    return {"@type": "ContactPoint", **point} if point else None


def _grant(row: Mapping[str, Any], base: str) -> Thing | None:
    source = _term("funding_sources", row.get("funding_source"), base)
    return source and {"@type": "Grant", "about": source}


def _subjects(row: Mapping[str, Any], base: str) -> list[Thing]:
    symbols = [{"@type": "DefinedTerm", "termCode": one, "inDefinedTermSet": "IPC"} for one in row.get("ipc") or ()]
    return [
        *_terms("fields", [row.get("field")], base),
        *_terms("disciplines", row.get("disciplines"), base),
        *_terms("industries", row.get("industries"), base),
        *symbols,
    ]


def _terms(name: str, codes: Iterable[Any] | None, base: str) -> list[Thing]:
    return [term for code in codes or () if (term := _term(name, code, base))]


def _term(name: str, code: Any, base: str) -> Thing | None:
    known = vocabulary(name).terms.get(code)
    if known is None:
        return None
    return {
        "@type": "DefinedTerm",
        "termCode": code,
        "name": _both(known.zh, known.en),
        "inDefinedTermSet": _set(name, base),
    }


def _set(name: str, base: str) -> str:
    return f"{base}/api/v1/vocabularies?name={name}" if base else f"urn:qiao:vocabulary:{name}"


def _area(code: Any) -> Thing | None:
    known = vocabulary("regions").terms.get(code)
    if known is None:
        return None
    return {"@type": "AdministrativeArea", "identifier": code, "name": _both(known.zh, known.en)}


def _readiness(row: Mapping[str, Any], low: str, high: str) -> list[Thing]:
    ends = _filled({"minValue": row.get(low), "maxValue": row.get(high)})
    named = {"@type": "PropertyValue", "propertyID": "TRL", "name": _both("技术就绪度", "Technology readiness level")}
    if low == high and ends:
        ends = {"value": row[low]}
    return [{**named, **ends}] if ends else []


def _indicators(row: Mapping[str, Any]) -> list[Thing]:
    return [_indicator(one) for one in row.get("indicators") or ()]


def _indicator(one: Mapping[str, Any]) -> Thing:
    if one.get("direction") == "between":
        figures = {"minValue": one.get("value"), "maxValue": one.get("value_to")}
    else:
        figures = {_LIMITS.get(str(one.get("direction")), "value"): one.get("value")}
    return _filled({"@type": "PropertyValue", "name": one.get("name"), **figures, "unitText": one.get("unit")})


def _texts(row: Mapping[str, Any], name: str) -> list[Thing]:
    return _both(str(row.get(f"{name}_zh") or ""), str(row.get(f"{name}_en") or ""))


def _both(zh: str, en: str) -> list[Thing]:
    return [{"@language": code, "@value": text} for code, text in (("zh", zh), ("en", en)) if text]


def _filled(given: Mapping[str, Any]) -> Thing:
    """Without what is empty; zero is something."""
    return {name: value for name, value in given.items() if value not in (None, "", [], {})}
