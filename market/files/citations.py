"""CSL-JSON and the JSON of ORCID's public API (3.0) -> what each entry says of a work. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CSL_KINDS = {
    "patent": "patent", "standard": "standard", "software": "software", "book": "book", "legislation": "standard",
    "regulation": "standard", "collection": "book",
}  # fmt: skip
_ORCID_KINDS = {
    "patent": "patent", "standards-and-policy": "standard", "software": "software", "book": "book",
    "edited-book": "book", "registered-copyright": "software", "technical-standards": "standard",
    "standard": "standard",
}  # fmt: skip
_MOST = 20_000  # entries looked at; hardly any of more could be a new work of one person
# Which identifier of several: first the one that names a paper everywhere.
_IDENTIFIERS = ("doi", "pat", "patent-number", "isbn", "uri", "arxiv", "pmid", "handle")


@dataclass(frozen=True, slots=True)
class Found:
    """What an entry says, as it says it. `line` is 0 where entries have none."""

    key: str
    line: int
    kind: str
    title: str
    abstract: str
    year: str
    identifier: str


def works_in(data: Any) -> Iterator[Found]:
    """The works of a document of either kind, by its shape; nothing for what is neither."""
    for entry in data[:_MOST] if isinstance(data, list) else [data]:
        if not isinstance(entry, dict):
            continue
        listed = entry.get("items")
        if isinstance(listed, list) and "title" not in entry:
            yield from (_of_csl(one) for one in listed if isinstance(one, dict))
        elif works := list(_orcid_works(entry)):
            yield from works
        elif "title" in entry or "DOI" in entry or "issued" in entry:
            yield _of_csl(entry)


def _orcid_works(data: dict[str, Any]) -> Iterator[Found]:
    """A record, its activities, its works (in groups of what is the same), works in bulk, or a single one."""
    activities = data.get("activities-summary")
    if isinstance(activities, dict):
        yield from _orcid_works(activities)
    elif isinstance(data.get("works"), dict):
        yield from _orcid_works(data["works"])
    elif isinstance(data.get("group"), list):
        for group in data["group"][:_MOST]:
            versions = _dicts(group.get("work-summary") if isinstance(group, dict) else None)
            if versions:
                yield _of_orcid(max(versions, key=_preference))
    elif isinstance(data.get("bulk"), list):
        yield from (_of_orcid(one["work"]) for one in _dicts(data["bulk"]) if isinstance(one.get("work"), dict))
    elif isinstance(data.get("work"), dict):
        yield _of_orcid(data["work"])
    elif isinstance(data.get("title"), dict):
        yield _of_orcid(data)


def _preference(summary: dict[str, Any]) -> int:
    """ORCID shows the version with the highest index; it is a number or its text."""
    text = str(summary.get("display-index", "0"))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _of_orcid(work: dict[str, Any]) -> Found:
    identifiers = {
        _text(one.get("external-id-type")).lower(): _text(one.get("external-id-value"))
        for one in reversed(_dicts(_inside(work, "external-ids", "external-id")))
        if one.get("external-id-relationship") != "part-of"  # the journal's, or the book's
    }
    identifier = next((identifiers[name] for name in _IDENTIFIERS if identifiers.get(name)), "")
    return Found(
        key=_text(work.get("put-code")),
        line=0,
        kind=_ORCID_KINDS.get(_text(work.get("type")).lower().replace("_", "-"), "paper"),
        title=_text(_inside(work, "title", "title", "value")),
        abstract=_text(work.get("short-description")),
        year=_text(_inside(work, "publication-date", "year", "value")),
        identifier=identifier or _text(_inside(work, "url", "value")),
    )


def _of_csl(item: dict[str, Any]) -> Found:
    return Found(
        key=_text(item.get("id")),
        line=0,
        kind=_CSL_KINDS.get(_text(item.get("type")).lower(), "paper"),
        title=_text(item.get("title")),
        abstract=_text(item.get("abstract")),
        year=_csl_year(item.get("issued")),
        identifier=next((text for name in ("DOI", "number", "ISBN", "URL") if (text := _identity(item, name))), ""),
    )


def _identity(item: dict[str, Any], name: str) -> str:
    if name == "number" and item.get("type") not in ("patent", "standard"):  # of an issue, or a report
        return ""
    return _text(item.get(name))


def _csl_year(issued: Any) -> str:
    if not isinstance(issued, dict):
        return _text(issued)
    parts = _first(_first(issued.get("date-parts")))
    return _text(parts) or _text(issued.get("raw")) or _text(issued.get("literal"))


def _text(value: Any) -> str:
    """A text or number as text; of a list its first; nothing of anything else."""
    value = _first(value)
    if isinstance(value, str):
        return value[:20_000]
    return str(value)[:40] if isinstance(value, int) and not isinstance(value, bool) else ""


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


def _inside(data: Any, *path: str) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
