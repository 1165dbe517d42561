"""Keeps signatures beside the listings, and their vectors: made in the background, and never made twice."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, delete, or_, select, update

from market.db import dialect_of, insert_into, listed
from market.matching import signatures
from market.matching.features import Passages
from market.matching.signatures import Signature, plain
from market.models import LISTINGS, Listing
from market.models import Signature as Row
from market.services.search.indexing import Reference, public_texts_of, sign
from search.embedding import Embedder

EMBEDDED = 450
"""Bytes of a text that its vector is made of: the beginning says what it is about, and the time grows with the
length."""


_NOTHING = signatures.digest("")  # an empty text needs no vector


@dataclass(frozen=True, slots=True)
class Signed:
    """A listing's signature, and whether a vector is still to be made."""

    signature: Signature
    complete: bool


def sign_all(session: Session, listings: Iterable[Listing], model: str) -> dict[uuid.UUID, Signed]:
    """Sign listings; texts that have a vector of this model already keep it. No model: no vectors."""
    ones = list(listings)
    known = _vectors(session, [one.id for one in ones], model) if model else {}
    return {
        one.id: _signed(signature, known.get(one.id, {}), model)
        for one, signature in zip(ones, sign(ones), strict=True)
    }


def _vectors(session: Session, ids: Sequence[uuid.UUID], model: str) -> dict[uuid.UUID, dict[bytes, Any]]:
    """The vectors that listings have, by the digests of their texts."""
    rows = select(Row.listing_id, Row.digests, Row.vectors).where(
        col(Row.listing_id).in_(ids), Row.model == model, col(Row.vectors).is_not(None)
    )
    known: dict[uuid.UUID, dict[bytes, Any]] = {}
    for identity, digests, packed in session.execute(rows):
        texts = signatures.split(digests)
        vectors = signatures.unpack_vectors(packed, len(texts))
        known[identity] = {text: vector for text, vector in zip(texts, vectors, strict=True) if vector.any()}
    return known


def _signed(signature: Signature, known: Mapping[bytes, Any], model: str) -> Signed:
    if not model:
        return Signed(signature, complete=True)
    missing = any(digest not in known and digest != _NOTHING for digest in signature.digests)
    if not known:
        return Signed(replace(signature, model=model), complete=not missing)
    zeros = np.zeros_like(next(iter(known.values())))
    vectors = np.array([known.get(digest, zeros) for digest in signature.digests])
    return Signed(replace(signature, vectors=vectors, model=model), complete=not missing)


def vector_of(signature: Signature) -> list[float] | None:
    """The one vector that stands for a listing in the search index: the mean of its texts'; None where none is."""
    return None if signature.vectors is None else _mean(signature.vectors)


def _mean(vectors: NDArray[np.float32]) -> list[float] | None:
    mean = vectors.sum(axis=0)
    length = float(np.linalg.norm(mean))
    return [float(number) for number in mean / length] if length > 0 else None


def means(session: Session, ids: Iterable[uuid.UUID], model: str) -> dict[uuid.UUID, list[float]]:
    """The one vector of each listing that has vectors of this model, as they are stored."""
    rows = select(Row).where(col(Row.listing_id).in_(list(ids)), Row.model == model, col(Row.vectors).is_not(None))
    found: dict[uuid.UUID, list[float]] = {}
    for row in session.exec(rows):
        assert row.vectors is not None
        mean = _mean(signatures.unpack_vectors(row.vectors, len(signatures.split(row.digests))))
        if mean is not None:
            found[row.listing_id] = mean
    return found


def versions(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Of which version of each listing the signature is that is stored."""
    rows = select(Row.listing_id, Row.version).where(col(Row.listing_id).in_(list(ids)))
    return {row.listing_id: row.version for row in session.execute(rows)}


def moved(session: Session, versions: Mapping[uuid.UUID, int], *, held: bool = False) -> set[uuid.UUID]:
    """Those whose signature is of this version no more; with `held`, all others stay so until the transaction ends,
    and whatever somebody else is just about to sign counts as moved."""
    wanted = listed(session, [*versions])
    rows = select(Row.listing_id, Row.version).join(wanted, col(Row.listing_id) == wanted.c.id)
    if held:
        rows = rows.with_for_update(read=True, skip_locked=True, of=Row)
    present = {row.listing_id: row.version for row in session.execute(rows)}
    return {identity for identity, version in versions.items() if present.get(identity) != version}


def row_of(listing: Listing, signature: Signature) -> dict[str, Any]:
    """The signature, to be kept beside the listing."""
    return {
        "listing_id": listing.id,
        "noun": listing.NOUN,
        "version": listing.version,
        "format": signatures.FORMAT,
        "body": signatures.pack(signature),
        "digests": b"".join(signature.digests),
        "model": signature.model,
        "vectors": None if signature.vectors is None else signatures.pack_vectors(signature.vectors),
    }


def keep(session: Session, rows: Sequence[Mapping[str, Any]], gone: Iterable[Reference]) -> None:
    """Store signatures, each over its listing's older one, and drop those of listings that are gone."""
    if rows:
        insert = insert_into(dialect_of(session), Row)
        newer = insert.on_conflict_do_update(
            index_elements=["listing_id"],
            set_={name: insert.excluded[name] for name in rows[0] if name != "listing_id"},
            where=insert.excluded.version >= col(Row.version),  # another worker may have been faster
        )
        session.execute(newer, sorted(rows, key=itemgetter("listing_id")))
    dropped = [identity for _, identity in gone]
    session.execute(delete(Row).where(col(Row.listing_id).in_(dropped)))


def embed(session: Session, embedder: Embedder, listings: Iterable[Listing]) -> list[dict[str, Any]]:
    """Make the vectors that listings lack, to be kept with `keep_vectors`. Raises EmbedderUnavailable, BadVectors."""
    ones = list(listings)
    signed = sign_all(session, ones, embedder.model)
    lacking = [one for one in ones if not signed[one.id].complete]
    return [_embedded(embedder, one, signed[one.id].signature) for one in lacking]


def _embedded(embedder: Embedder, listing: Listing, signature: Signature) -> dict[str, Any]:
    texts = public_texts_of(listing)
    vectors = signature.vectors
    if vectors is None:
        vectors = np.zeros((len(texts), embedder.dimensions), np.float32)
    for place, passages in enumerate(texts):
        if not vectors[place].any() and plain(passages):
            vectors[place] = vector_of_text(embedder, passages, listing.NOUN)
    return {
        "identity": listing.id,
        "seen": b"".join(signature.digests),
        "model": embedder.model,
        "vectors": signatures.pack_vectors(vectors),
    }


def vector_of_text(embedder: Embedder, passages: Passages, noun: str) -> NDArray[np.float32]:
    """The vector of one text of a listing of this kind.

    A demand's is the mean of its title's and of the whole's, for it is the title that says what is sought. Both sides
    are embedded as passages: either is a text about what can or should be done, and neither is a question.
    """
    whole = beginning(plain(passages))
    title = next((text for text, _ in passages if text), "") if noun == "demand" else whole
    pieces = dict.fromkeys([beginning(title), whole])
    mean = embedder.embed([*pieces], role="passage").sum(axis=0)
    length = np.linalg.norm(mean)
    return np.asarray(mean / length, np.float32)


def beginning(text: str) -> str:
    """What of a text is embedded: so many bytes of it, as a Chinese character tells as much as three letters."""
    return text.encode("utf-8", "replace")[:EMBEDDED].decode("utf-8", "ignore").replace("_", " ")


def keep_vectors(session: Session, made: Iterable[Mapping[str, Any]]) -> None:
    """Store vectors, unless the texts have changed meanwhile."""
    for one in made:
        unchanged = (col(Row.listing_id) == one["identity"], col(Row.digests) == one["seen"])
        session.execute(update(Row).where(*unchanged).values(model=one["model"], vectors=one["vectors"]))


def unsigned(session: Session, noun: str, model: str, *, limit: int) -> list[str]:
    """Keys of listings whose signature is missing, or of another format, or has vectors of another model."""
    listing = LISTINGS[noun]
    rows = (
        select(listing.id)
        .join(Row, col(Row.listing_id) == listing.id, isouter=True)
        .where(or_(col(Row.listing_id).is_(None), Row.format != signatures.FORMAT, Row.model != model))
        .order_by(col(listing.id))
        .limit(limit)
    )
    return [f"{noun}:{identity}" for identity in session.exec(rows)]
