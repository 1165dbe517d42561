"""The engine on a Meilisearch server: owns connections and indexes; how it is asked is in the modules beside."""

from __future__ import annotations

import re
import secrets
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, NamedTuple

from meilisearch import Client

from search.engine import (
    BadDocument,
    BrowserKey,
    Document,
    EngineUnavailable,
    Filter,
    Frequencies,
    Page,
    Query,
    Suggestion,
    Unsupported,
)
from search.indexes import INDEXES, IndexSpec
from search.meili import answering, browsers, making, queries, rebuilding
from search.meili.documents import ID, payloads, to_meili
from search.meili.settings import Settings, declared, uid
from search.meili.tasks import UNMADE, TaskFailed, follow, number_of
from search.meili.transport import Refused, connect, disconnect, part, refusals_explained
from search.reading import typed_runs
from search.showing import suggestions
from search.text import normalise
from search.validation import LARGEST_PAGE, check_document, check_filters, check_query, check_range, is_id, spec_of

VERSIONS_PAGE = 20_000
COUNTED_AT_ONCE = 500  # terms whose frequency is asked for in one request
REMEMBERED = 200_000  # frequencies kept
REMEMBERED_SECONDS = 600.0
SUGGESTION_POOL = 5  # documents read for each suggestion asked for: several may hold the same text
WRITE_SECONDS = 60.0  # a payload of thousands of documents takes longer to send than a question
NEXT = "_next"  # in the ending of an index that is being filled
ANY_SIZE = sys.maxsize  # of a payload that must go in as a whole


class Copy(NamedTuple):
    """An index that holds documents in some form, with its settings."""

    settings: Settings
    form: rebuilding.Convert


class MeiliEngine:
    """Implements `search.engine.Engine`. Any number of them on any number of hosts may write and read.

    Writes return once the server says that they can be found. Indexes are made where they are missing by whoever
    writes; otherwise `sync` says what differs from the declaration and makes it equal.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        prefix: str = "",
        seconds: float = 2.0,
        writable: bool = False,
        browsed: bool = False,
        public_url: str = "",
        specs: Mapping[str, IndexSpec] = INDEXES,
    ) -> None:
        """`prefix` begins every index's name, so that one server can serve several installations; `seconds`: how
        long a search may take; `browsed`: keep the public indexes that browsers ask, at `public_url`.

        Does not ask the server yet: a service starts while it is away.
        """
        self._reading = connect(url, key, seconds=seconds)
        self._writing = connect(url, key, seconds=WRITE_SECONDS)
        self._prefix = prefix
        self._specs = specs
        self._browsed = browsed
        self._public_url = public_url or url
        self._writable = writable
        self._made: set[str] = set()
        self._counts: dict[tuple[str, str], tuple[int, float]] = {}

    # Writing

    def put(self, index: str, documents: Iterable[Document]) -> None:
        spec = spec_of(index, self._specs)
        # A dictionary, so that of two with one id the later is kept.
        latest: dict[str, Document] = {}
        for document in documents:
            check_document(spec, document)
            latest[str(document["id"])] = document
        if not latest:
            return
        self._write(spec, lambda copies: self._put(spec, copies, latest.values()), sent=[*latest])

    def delete(self, index: str, ids: Iterable[str]) -> None:
        spec = spec_of(index, self._specs)
        names = [name for name in ids if is_id(name)]
        if names:
            self._write(spec, lambda copies: self._delete(copies, names))

    def rebuild(self, index: str, documents: Iterable[Document]) -> int:
        """As the contract says; where several are under way at once, each is whole, and the last to end stays."""
        spec = spec_of(index, self._specs)
        with self._failing(spec, ["a document"]), refusals_explained(otherwise=EngineUnavailable):
            self._made.discard(spec.name)  # a swap with an index that is gone would fail, after all the work
            self._require(spec)
            return self._rebuild(spec, documents)

    def _put(self, spec: IndexSpec, copies: Mapping[str, Copy], documents: Collection[Document]) -> None:
        # One after the other: what the server refuses of the first must not be in the second.
        for name, copy in copies.items():
            (sent,) = payloads((copy.form(spec, document) for document in documents), largest=ANY_SIZE)
            follow(self._writing, [rebuilding.send(self._writing, name, sent)])

    def _delete(self, copies: Iterable[str], names: list[str]) -> None:
        answers = [self._writing.http.post(f"indexes/{copy}/documents/delete-batch", names) for copy in copies]
        follow(self._writing, [number_of(answer) for answer in answers])

    def _rebuild(self, spec: IndexSpec, documents: Iterable[Document]) -> int:
        client, copies = self._writing, self._copies(spec)
        # Names of its own: nobody else fills, swaps or removes them by mistake.
        ending = f"{NEXT}_{secrets.token_hex(4)}"
        fresh = {name: f"{name}{ending}" for name in copies}
        try:
            for name, copy in copies.items():
                making.make(client, fresh[name], copy.settings)
            marks = {name: making.marker(client, filled) for name, filled in fresh.items()}
            self._remove_abandoned(fresh, now=max(marks.values()))
            sent = rebuilding.fill(client, {fresh[name]: copy.form for name, copy in copies.items()}, spec, documents)
            whole = rebuilding.all_of(self._versions(client, fresh[self._uid(spec)])) == sent
            if not whole or any(self._size(client, filled) != sent.count for filled in fresh.values()):
                raise EngineUnavailable(f"{', '.join(fresh.values())}: not what was sent; start the rebuild again")
            rebuilding.swap(client, fresh, marks)
        finally:
            for filled in fresh.values():
                with suppress(EngineUnavailable, TaskFailed, Refused):
                    making.remove(client, filled)
        return sent.count

    def _remove_abandoned(self, fresh: Mapping[str, str], *, now: str) -> None:
        """What rebuilds that were killed have left; those under way are let be."""
        begun = tuple(f"{name}{NEXT}" for name in fresh)
        left = [name for name in making.held(self._writing) if name.startswith(begun) and name not in fresh.values()]
        for name in making.abandoned(self._writing, left, now=now):
            making.remove(self._writing, name)

    # Reading

    def search(self, index: str, query: Query) -> Page:
        spec = spec_of(index, self._specs)
        check_query(spec, query)
        with refusals_explained():
            return answering.answer(lambda bodies: self._ask(spec, bodies), spec, query, self._known(index))

    def suggest(
        self, index: str, text: str, *, filters: tuple[Filter, ...] = (), limit: int = 10
    ) -> tuple[Suggestion, ...]:
        spec = spec_of(index, self._specs)
        check_query(spec, Query(text=text, filters=filters))
        check_range("limit", limit, LARGEST_PAGE)
        bodies = queries.typing(spec, text) if limit else []
        if not bodies:
            return ()
        paged = {"limit": limit * SUGGESTION_POOL, "filter": queries.narrowing(filters)}
        with refusals_explained():
            answers = self._ask(spec, [body | paged for body in bodies])
        texts = {hit["id"]: answering.originals(hit) for answer in answers for hit in answer["hits"]}
        return suggestions(spec, texts.items(), typed_runs(text))[:limit]

    def count(self, index: str) -> int:
        spec = spec_of(index, self._specs)
        with refusals_explained():
            return self._size(self._reading, self._uid(spec))

    def versions(self, index: str) -> Iterator[tuple[str, int]]:
        spec = spec_of(index, self._specs)
        if self._writable:
            self._made.discard(spec.name)  # what is read tells no loss as a write does
            self._write(spec, lambda _: None)
        return self._versions(self._writing, self._uid(spec))

    def frequencies(self, index: str, terms: Iterable[str]) -> Frequencies:
        spec_of(index, self._specs)
        return Frequencies(self.count(index), self._frequencies(index, [*terms]))

    # The server itself

    def ready(self) -> None:
        with refusals_explained():
            held = making.held(self._reading)
        missing = [name for spec in self._specs.values() for name in self._copies(spec) if name not in held]
        if missing:
            raise EngineUnavailable(f"{', '.join(missing)} not there; start a worker, or run `market search sync`")

    def sync(self, *, apply: bool) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        with self._failing(), refusals_explained(otherwise=EngineUnavailable):
            for spec in self._specs.values():
                for name, copy in self._copies(spec).items():
                    changes = making.differing(self._writing, name, copy.settings)
                    if changes:
                        found[name] = sorted(changes)
                    if changes and apply:
                        making.set_as(self._writing, name, copy.settings, changes)
            for name in self._outdated():
                found[name] = ["outdated"]
                if apply:
                    making.remove(self._writing, name)
        return found

    def browser_key(self, filters: tuple[Filter, ...], *, expires_at: datetime) -> BrowserKey:
        if not self._browsed:
            raise Unsupported("no public indexes are kept; MARKET_SEARCH_FRONT=true keeps them")
        for spec in self._specs.values():
            check_filters(spec, filters)
        conditions = browsers.condition(filters)
        names = {spec.name: browsers.front_uid(self._uid(spec)) for spec in self._specs.values()}
        with refusals_explained():
            key = browsers.searching_key(self._reading, self._prefix, [*names.values()])
            token = browsers.token(self._reading, key, [*names.values()], conditions, expires_at)
        return BrowserKey(self._public_url, token, names, expires_at)

    def close(self) -> None:
        for client in (self._reading, self._writing):
            disconnect(client)

    def _uid(self, spec: IndexSpec) -> str:
        return uid(self._prefix, spec)

    def _copies(self, spec: IndexSpec) -> dict[str, Copy]:
        """The indexes that hold the documents of a declaration."""
        copies = {self._uid(spec): Copy(declared(spec), to_meili)}
        if self._browsed:
            front = browsers.front_uid(self._uid(spec))
            copies[front] = Copy(browsers.front_settings(spec), browsers.front_document)
        return copies

    def _write(self, spec: IndexSpec, act: Callable[[Mapping[str, Copy]], None], *, sent: Sequence[str] = ()) -> None:
        """Write into the indexes of a declaration, made where they are missing; `sent` are the documents' ids.

        That they were once there is remembered, not asked each time: where the server has lost them meanwhile it
        refuses the write, since of ours it cannot guess the primary key, and it is done again.
        """
        copies = self._copies(spec)
        with self._failing(spec, sent), refusals_explained(otherwise=BadDocument if sent else EngineUnavailable):
            self._require(spec)
            try:
                act(copies)
            except TaskFailed as failure:
                if failure.code not in UNMADE:
                    raise
                self._made.discard(spec.name)
                self._require(spec)
                act(copies)

    @contextmanager
    def _failing(self, spec: IndexSpec | None = None, sent: Sequence[str] = ()) -> Iterator[None]:
        """What the server could not do, as an error of the contract."""
        try:
            yield
        except TaskFailed as failure:
            if spec is None or not sent or not failure.blames_documents:
                raise EngineUnavailable(f"the search server failed: {failure}") from failure
            raise BadDocument(
                f"{spec.name} {', '.join(sent[:3])}: the search server refuses it: {failure}"
            ) from failure

    def _require(self, spec: IndexSpec) -> None:
        """Make the indexes of a declaration where they are missing: the server would make them without settings."""
        if spec.name not in self._made:
            for name, copy in self._copies(spec).items():
                making.require(self._writing, name, copy.settings)
            self._made.add(spec.name)

    def _outdated(self) -> list[str]:
        """Indexes of this installation that older code, or a rebuild that was killed, has left. A rebuild that is
        under way loses what it fills, and ends with an error; what is read stays as it is."""
        current = {name for spec in self._specs.values() for name in self._copies(spec)}
        ours = re.compile(rf"{re.escape(self._prefix)}({'|'.join(self._specs)})_[0-9a-f]{{12}}(_front)?({NEXT}.*)?")
        return sorted(name for name in making.held(self._writing) if ours.fullmatch(name) and name not in current)

    @staticmethod
    def _size(client: Client, name: str) -> int:
        return int(part(client.http.get(f"indexes/{name}/stats"), "numberOfDocuments"))

    def _ask(self, spec: IndexSpec, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to search requests, all in one round trip."""
        name = self._uid(spec)
        if len(bodies) == 1:
            answer: dict[str, Any] = self._reading.http.post(f"indexes/{name}/search", bodies[0])
            part(answer, "hits")
            return [answer]
        asked = {"queries": [{"indexUid": name, **body} for body in bodies]}
        answers: list[dict[str, Any]] = part(self._reading.http.post("multi-search", asked), "results")
        return answers

    def _known(self, index: str) -> answering.Counting:
        return lambda words: self._frequencies(index, words)

    def _frequencies(self, index: str, terms: Sequence[str]) -> dict[str, int]:
        """Asked again after ten minutes: how rare a word is changes slowly, and the same words come up often."""
        now = time.monotonic()
        folded = {term: normalise(term) for term in terms}
        if len(self._counts) + len(folded) > REMEMBERED:
            self._counts.clear()
        kept = {text: self._counts.get((index, text), (0, 0.0)) for text in folded.values()}
        found = {text: count for text, (count, until) in kept.items() if until >= now}
        unknown = [text for text in kept if text not in found]
        with refusals_explained():
            for start in range(0, len(unknown), COUNTED_AT_ONCE):
                asked = unknown[start : start + COUNTED_AT_ONCE]
                bodies = [{"filter": queries.holding([term]), "limit": 0} for term in asked]
                for term, answer in zip(asked, self._ask(self._specs[index], bodies), strict=True):
                    found[term] = int(answer["estimatedTotalHits"])
                    self._counts[index, term] = (found[term], now + REMEMBERED_SECONDS)
        return {term: found[text] for term, text in folded.items()}

    @staticmethod
    def _versions(client: Client, name: str) -> Iterator[tuple[str, int]]:
        offset = 0
        while True:
            asked = {"fields": ["id", "version"], "sort": [f"{ID}:asc"], "offset": offset, "limit": VERSIONS_PAGE}
            with refusals_explained():
                rows = part(client.http.post(f"indexes/{name}/documents/fetch", asked), "results")
            yield from ((row["id"], row["version"]) for row in rows)
            if len(rows) < VERSIONS_PAGE:
                return
            offset += len(rows)
