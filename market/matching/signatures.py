"""What matching needs of a listing, small enough to keep beside it. Holds shapes, and how they are packed."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from market.matching import features
from market.matching.sparse import Bags

FORMAT = 100 + features.VERSION
"""Changes with the bytes or what they mean: signatures of another format are made anew."""

Range = tuple[float | None, float | None]
"""From and to; None leaves an end open."""

Vectors = NDArray[np.float32]
"""(texts, dimensions), rows of length 1; a row of zeros where a text has no vector."""

DIGEST = 16
"""Bytes of a text's digest."""

_HEAD = struct.Struct("<III")  # texts, and bytes of the words and of the structured part


@dataclass(frozen=True, slots=True)
class Indicator:
    """A technical indicator: direction is at_least, at_most, between or exactly."""

    name: str
    direction: str
    value: float
    value_to: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Particulars:
    """What is known of a listing beside its texts. Empty and None mean unknown, and never count against it."""

    noun: str
    organisation: str = ""
    languages: str = "both"
    titles: tuple[str, ...] = ()  # an expert's works'
    field_code: str = ""
    disciplines: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    trl: Range | None = None
    money: Range | None = None  # CNY: a demand's budget, an outcome's price
    regions: tuple[str, ...] = ()
    region_rule: str = "none"
    modes: tuple[str, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    available: bool = True
    published_day: int | None = None  # days since 1970-01-01


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """One listing, as a pair score sees it: the first text is its own, the others are an expert's works.

    `written` is JSON that few ask for: the words as they stand in the listing's own text, by their features.
    `digests` tell which text each vector was made of; `vectors` is None until one is made, and `model` names what
    made them: only vectors of one model are compared.
    """

    particulars: Particulars
    bags: Bags
    written: bytes = b"{}"
    digests: tuple[bytes, ...] = ()
    vectors: Vectors | None = None
    model: str = ""


Passages = Sequence[tuple[str, float]]
"""The passages of one text, each with what its words count: those of a title count more."""


def signature_of(
    particulars: Particulars, texts: Sequence[Passages], *, vectors: Vectors | None = None, model: str = ""
) -> Signature:
    """Sign texts: the listing's own, then those of works. What an expert has written counts as one text too: the
    first bag is of everything."""
    bags = [features.count(passages) for passages in texts]
    for works in bags[1:]:
        for key, count in works.items():
            bags[0][key] = bags[0].get(key, 0.0) + count
    return Signature(
        particulars,
        Bags.of(bags),
        orjson.dumps(features.words_of(text for text, _ in texts[0]), option=orjson.OPT_NON_STR_KEYS),
        tuple(digest(plain(passages)) for passages in texts),
        vectors,
        model,
    )


def plain(passages: Passages) -> str:
    """The passages as one text: what is embedded."""
    return "\n".join(text for text, _ in passages if text).strip()


def digest(text: str) -> bytes:
    """What tells one text from another."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=DIGEST).digest()


def words_of(signature: Signature) -> dict[int, str]:
    """The words of a listing's own text, by their features."""
    return {int(key): word for key, word in orjson.loads(signature.written).items()}


def pack(signature: Signature) -> bytes:
    """The features as arrays, then words and particulars as JSON: no vectors, which are kept beside."""
    bags = signature.bags
    known = orjson.dumps(asdict(signature.particulars))
    return b"".join(
        (
            _HEAD.pack(len(bags), len(signature.written), len(known)),
            bags.starts.astype("<u4").tobytes(),
            bags.keys.astype("<u4").tobytes(),
            np.minimum(bags.counts, 65_504).astype("<f2").tobytes(),  # the greatest of half floats
            signature.written,
            known,
        )
    )


def unpack(body: bytes, *, digests: bytes = b"", vectors: bytes | None = None, model: str = "") -> Signature:
    """The inverse of `pack`, with the vectors that are kept beside."""
    bags = unpack_bags(body)
    _, words, known = _HEAD.unpack_from(body)
    ends = len(body) - known
    return Signature(
        _particulars(orjson.loads(memoryview(body)[ends:])),
        bags,
        body[ends - words : ends],
        split(digests),
        None if vectors is None else unpack_vectors(vectors, len(bags)),
        model,
    )


def unpack_bags(body: bytes) -> Bags:
    """The features alone."""
    texts = _HEAD.unpack_from(body)[0]
    starts = np.frombuffer(body, "<u4", texts + 1, _HEAD.size).astype(np.int64)
    keys_at, size = _HEAD.size + 4 * (texts + 1), int(starts[-1])
    keys = np.frombuffer(body, "<u4", size, keys_at)
    return Bags(keys, np.frombuffer(body, "<f2", size, keys_at + 4 * size).astype(np.float32), starts)


def split(digests: bytes) -> tuple[bytes, ...]:
    """The digests that are kept in a row."""
    return tuple(digests[start : start + DIGEST] for start in range(0, len(digests), DIGEST))


def pack_vectors(vectors: Vectors) -> bytes:
    """As half floats: a thousandth is nearer than any model tells."""
    return vectors.astype("<f2").tobytes()


def unpack_vectors(packed: bytes, texts: int) -> Vectors:
    """The inverse of `pack_vectors`."""
    return np.frombuffer(packed, "<f2").reshape(texts, -1).astype(np.float32)


def _particulars(data: dict[str, Any]) -> Particulars:
    data["indicators"] = tuple(Indicator(**indicator) for indicator in data["indicators"])
    for name in ("trl", "money"):
        data[name] = tuple(data[name]) if data[name] else None
    for name in ("titles", "disciplines", "industries", "regions", "modes"):
        data[name] = tuple(data[name])
    return Particulars(**data)
