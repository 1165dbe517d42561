"""What matching needs of a listing, small enough to keep beside it. Holds shapes, and how they are packed."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from market.matching import features
from market.matching.features import Passages
from market.matching.sparse import Bags

FORMAT = 200 + features.VERSION
"""Changes with the bytes or what they mean: signatures of another format are made anew."""

Range = tuple[float | None, float | None]
"""From and to; None leaves an end open."""

Vectors = NDArray[np.float32]
"""(texts, dimensions), rows of length 1; a row of zeros where a text has no vector."""

DIGEST = 16
"""Bytes of a text's digest."""

_AT_ONCE = 200_000  # characters that are read together: more would be no faster, and take memory
_HEAD = struct.Struct("<IIII")  # texts, and bytes of the words, of what is public, and of the structured part


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

    `written` is what few ask for: the words as they stand in the listing's own text, as `features.named` reads them.
    `digests` tell which text each vector was made of; `vectors` is None until one is made, and `model` names what
    made them: only vectors of one model are compared.
    `public` is None where everybody may read all texts. Else some are protected: `bags` have what these say too, as
    nobody can read it there, and `public` has the others alone, as all else here: particulars, words and vectors.
    """

    particulars: Particulars
    bags: Bags
    written: bytes = b""
    digests: tuple[bytes, ...] = ()
    vectors: Vectors | None = None
    model: str = ""
    public: Bags | None = None

    @property
    def shown(self) -> Bags:
        """The features that people may be told of."""
        return self.bags if self.public is None else self.public

    def in_public(self) -> Signature:
        """The same listing as its public texts alone sign it."""
        if self.public is None:
            return self
        known = replace(self.particulars, languages=_languages_of(self.public))
        return replace(self, particulars=known, bags=self.public, public=None)


Signable = tuple[Particulars, Sequence[Passages]]
"""A listing's particulars and its texts: its own, then those of works."""


def signature_of(particulars: Particulars, texts: Sequence[Passages]) -> Signature:
    """Sign the texts of one listing: its own, then those of works."""
    return signatures_of([(particulars, texts)])[0]


def signatures_of(listings: Iterable[Signable]) -> list[Signature]:
    """Sign listings, each by its own text and those of works; many at once are faster. They have no vectors yet.

    What an expert has written counts as one text too: the first bag is of everything.
    """
    return [signature for together in _readings(listings) for signature in _read_together(together)]


def protecting(whole: Signature, public: Signature) -> Signature:
    """The signature of all texts of a listing, telling only what that of its public texts tells."""
    return replace(whole, written=public.written, digests=public.digests, public=public.bags)


def _readings(listings: Iterable[Signable]) -> Iterator[list[Signable]]:
    """Listings that are read together, in order."""
    together: list[Signable] = []
    size = 0
    for listing in listings:
        together.append(listing)
        size += sum(len(text) for passages in listing[1] for text, _ in passages if text)
        if size >= _AT_ONCE:
            yield together
            together, size = [], 0
    if together:
        yield together


def _read_together(listings: Sequence[Signable]) -> Iterator[Signature]:
    starts = np.cumsum([0, *(len(texts) for _, texts in listings)]).tolist()
    within = [start for start, (_, texts) in zip(starts, listings, strict=False) for _ in texts]
    reading = features.Reading([text for _, texts in listings for text in texts], within=within)
    for (particulars, texts), start, words in zip(listings, starts, reading.written(), strict=False):
        bags = reading.bags.slice(start, start + len(texts))
        yield Signature(
            replace(particulars, languages=_languages_of(bags)),
            bags,
            words.encode("utf-8"),
            tuple(digest(plain(passages)) for passages in texts),
        )


def _languages_of(bags: Bags) -> str:
    """Which languages the texts are in: zh, en or both; both where there is no word at all."""
    kinds = bags.one(0).keys & np.uint32(features.KIND)
    han, latin = bool((kinds == features.CHARACTER).any()), bool((kinds == features.STEM).any())
    return "both" if han == latin else "zh" if han else "en"


def plain(passages: Passages) -> str:
    """The passages as one text: what is embedded."""
    return "\n".join(text for text, _ in passages if text).strip()


def digest(text: str) -> bytes:
    """What tells one text from another."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=DIGEST).digest()


def words_of(signature: Signature) -> dict[int, str]:
    """The words of a listing's own text, by their features."""
    return features.named(signature.written.decode("utf-8"))


def pack(signature: Signature) -> bytes:
    """The features as arrays, then words, and particulars as JSON: no vectors, which are kept beside."""
    public = b"" if signature.public is None else _packed(signature.public)
    known = orjson.dumps(asdict(signature.particulars))
    head = _HEAD.pack(len(signature.bags), len(signature.written), len(public), len(known))
    return b"".join((head, _packed(signature.bags), signature.written, public, known))


def _packed(bags: Bags) -> bytes:
    return b"".join(
        (
            bags.starts.astype("<u4").tobytes(),
            bags.keys.astype("<u4").tobytes(),
            np.minimum(bags.counts, 65_504).astype("<f2").tobytes(),  # the greatest of half floats
        )
    )


def unpack(body: bytes, *, digests: bytes = b"", vectors: bytes | None = None, model: str = "") -> Signature:
    """The inverse of `pack`, with the vectors that are kept beside."""
    texts, words, public, known = _HEAD.unpack_from(body)
    ends = len(body) - known
    begins = ends - public
    bags = _bags(body, texts, _HEAD.size)
    return Signature(
        _particulars(orjson.loads(memoryview(body)[ends:])),
        bags,
        body[begins - words : begins],
        split(digests),
        None if vectors is None else unpack_vectors(vectors, len(bags)),
        model,
        _bags(body[begins:ends], texts, 0) if public else None,
    )


def unpack_bags(body: bytes) -> Bags:
    """The features alone, of what everybody may read: what is counted of all shall tell nothing of the rest."""
    texts, _, public, known = _HEAD.unpack_from(body)
    ends = len(body) - known
    return _bags(body[ends - public : ends], texts, 0) if public else _bags(body, texts, _HEAD.size)


def _bags(body: bytes, texts: int, begin: int) -> Bags:
    starts = np.frombuffer(body, "<u4", texts + 1, begin).astype(np.int64)
    keys_at, size = begin + 4 * (texts + 1), int(starts[-1])
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
