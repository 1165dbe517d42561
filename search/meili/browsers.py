"""What browsers may ask the server directly: an index of public fields beside each, and keys that expire.

A key restricts rows, never fields, so the fields that nobody else may see are simply not there.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from meilisearch import Client

from search.engine import AnyOf, BadQuery, Document, Filter
from search.indexes import IndexSpec
from search.meili.documents import ID, encode, values_of
from search.meili.queries import narrowing
from search.meili.settings import Settings, declared, localized
from search.meili.transport import Refused, part
from search.reading import whole_words

PUBLIC = "public"
_HIDDEN = ("readers", "state")


def front_uid(uid: str) -> str:
    """The name of the public index beside an index."""
    return f"{uid}_front"


def front_settings(spec: IndexSpec) -> Settings:
    """An index of public fields: searched as the texts stand, and shown without what decides who sees them."""
    texts = [field.name for field in spec.text if field.name in spec.public]
    keywords = [name for name in spec.keywords if name in spec.public]
    numbers = [name for name in spec.numbers if name in spec.public]
    equality = {"facetSearch": True, "filter": {"equality": True, "comparison": False}}
    hidden = {"facetSearch": False, "filter": {"equality": True, "comparison": False}}
    ranges = {"facetSearch": False, "filter": {"equality": True, "comparison": True}}
    return declared(spec) | {
        "searchableAttributes": texts,
        "displayedAttributes": sorted(["id", *spec.public]),
        "filterableAttributes": [
            {"attributePatterns": keywords, "features": equality},
            {"attributePatterns": [*_HIDDEN], "features": hidden},
            {"attributePatterns": numbers, "features": ranges},
        ],
        "sortableAttributes": sorted(["id", *numbers]),
        "typoTolerance": {
            "enabled": True,
            "disableOnAttributes": sorted(
                field.name for field in spec.text if field.name in texts and field.language == "zh"
            ),
            "disableOnWords": [],
            "disableOnNumbers": True,
            "minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 9},
        },
        # Questions come here as they were typed: nobody but the server can keep domain words whole.
        "dictionary": sorted(whole_words()),
        "localizedAttributes": localized(spec, only=texts),
        "facetSearch": True,
        "embedders": {},
    }


def front_document(spec: IndexSpec, document: Document) -> dict[str, Any]:
    """The public fields of a checked document, as they were written, and who may see it."""
    identity = str(document["id"])
    shown: dict[str, Any] = {"id": identity, ID: encode(identity)}
    for name in spec.public:
        value = document.get(name)
        texts = values_of(document, name)
        shown[name] = value if name in spec.number_names else texts[0] if isinstance(value, str) and texts else texts
    readers = values_of(document, "readers")
    # What everybody may see says nothing of who else may: that would tell whose a masked listing is.
    shown["readers"] = [opaque(reader) for reader in ([PUBLIC] if PUBLIC in readers else readers)]
    shown["state"] = [encode(state) for state in values_of(document, "state")]
    return shown


def condition(filters: Sequence[Filter]) -> list[str]:
    """The filters of a key, as the server's expressions. Raises BadQuery unless they say who reads, and only that:
    a key without them would be one for everything, and the other fields are not written as they are elsewhere."""
    if not filters or not all(isinstance(one, AnyOf) and one.field in _HIDDEN for one in filters):
        raise BadQuery(f"a browser's key is for those that pass an AnyOf on {' or '.join(_HIDDEN)}")
    return narrowing(
        AnyOf(one.field, tuple(opaque(str(value)) for value in one.values)) if one.field == "readers" else one
        for one in filters
        if isinstance(one, AnyOf)
    )


def opaque(reader: str) -> str:
    """A reader as the public index names him: whoever may filter by a field may count its values as well, so one
    of several readers would be told who the others are."""
    return hashlib.sha256(reader.encode()).hexdigest()[:32]


def searching_key(client: Client, prefix: str, names: Sequence[str]) -> tuple[str, str]:
    """The id and value of the key that browsers' tokens are made from; made where it is missing.

    It may search the public indexes and nothing else. Its id is chosen, so every host finds the same one.
    """
    digest = hashlib.sha256(f"browsers {prefix} {' '.join(sorted(names))}".encode()).digest()
    identity = str(uuid.UUID(bytes=digest[:16], version=4))  # the client takes no other version
    try:
        held = client.http.get(f"keys/{identity}")
    except Refused as refusal:
        if refusal.status != 404:
            raise
        wanted = {"uid": identity, "name": "browsers", "actions": ["search"], "indexes": [*names], "expiresAt": None}
        try:
            held = client.http.post("keys", wanted)
        except Refused as refused:
            if refused.code != "api_key_already_exists":  # another host was faster
                raise
            held = client.http.get(f"keys/{identity}")
    return identity, str(part(held, "key"))


def token(
    client: Client, key: tuple[str, str], names: Sequence[str], conditions: Sequence[str], expires_at: datetime
) -> str:
    """A token for these indexes, for the documents that pass the condition, until then."""
    rules = {name: {"filter": " AND ".join(f"({one})" for one in conditions)} for name in names}
    identity, value = key
    return str(client.generate_tenant_token(identity, rules, expires_at=expires_at, api_key=value))
