"""Files to be imported, and imports of them straight through the services. Asserts nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlmodel import col, select

from market.models import LISTINGS, Import, ImportFault, ImportRow, Listing
from market.outbox import JobName
from market.runtime import Runtime
from market.services.files import findings, importing, undoing
from market.services.files.importing import Order
from market.services.listings import versions
from market.services.rights import principals
from market.services.rights.access import SYSTEM, Principal
from market.worker import runner
from tests.factories import Person, payload

Line = Mapping[str, Any] | bytes


def row(noun: str, key: str, **changes: Any) -> dict[str, Any]:
    """A row as a file has it."""
    return {"key": key, **payload(noun, **changes)}


def ndjson(lines: Iterable[Line]) -> bytes:
    """The bytes of a file."""
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines)


def who(runtime: Runtime, person: Person | None) -> Principal:
    """The person as services see them; nobody: the exchange itself."""
    if person is None:
        return SYSTEM
    with runtime.db.reading() as session:
        found = principals.of_user(session, person.id, now=runtime.clock())
    assert found is not None
    return found


def begin(
    runtime: Runtime, person: Person | None, lines: Iterable[Line] | bytes, noun: str = "outcome", **options: Any
) -> uuid.UUID:
    """Begin an import; gives its id."""
    content = lines if isinstance(lines, bytes) else ndjson(lines)
    order = Order(noun, options.pop("name", f"{noun}s.ndjson"), content, **options)
    with runtime.db.writing() as session:
        return importing.begin(session, who(runtime, person), order, now=runtime.clock()).id


def work(runtime: Runtime, *, steps: int | None = None) -> int:
    """Run the jobs of imports alone, all or some steps of them; says how many ran."""
    done = 0
    while steps is None or done < steps:
        jobs = runner.claim(runtime, JobName.IMPORT, limit=1)
        if not jobs:
            break
        runner.run(runtime, jobs)
        done += 1
    return done


def imported(
    runtime: Runtime, person: Person | None, lines: Iterable[Line] | bytes, noun: str = "outcome", **options: Any
) -> Import:
    """Import a file to its end."""
    identity = begin(runtime, person, lines, noun, **options)
    work(runtime)
    return read(runtime, identity)


def read(runtime: Runtime, identity: uuid.UUID) -> Import:
    """The import as it is now."""
    with runtime.db.reading() as session:
        return session.get_one(Import, identity)


def undone(runtime: Runtime, person: Person | None, identity: uuid.UUID) -> Import:
    """Undo it to its end."""
    ask(runtime, person, undoing.begin, identity)
    work(runtime)
    return read(runtime, identity)


def ask(runtime: Runtime, person: Person | None, act: Callable[..., Import], identity: uuid.UUID) -> Import:
    """Cancel, run or undo."""
    with runtime.db.writing() as session:
        return act(session, who(runtime, person), identity, now=runtime.clock())


def counts(done: Import) -> tuple[int, int, int, int]:
    """Created, changed, unchanged, refused."""
    return done.created, done.changed, done.unchanged, done.refused


def faults(runtime: Runtime, identity: uuid.UUID) -> list[tuple[int, str]]:
    """Lines and columns of what is told."""
    with runtime.db.reading() as session:
        return [(one.line, one.column) for one in findings.read(session, identity)]


def notes(runtime: Runtime, identity: uuid.UUID) -> list[int]:
    """Lines of which something is noted that is no fault."""
    with runtime.db.reading() as session:
        rows = session.exec(select(ImportFault).where(ImportFault.import_id == identity)).all()
    return sorted(one.line for one in rows if one.details.get("note"))


def rows_of(runtime: Runtime, identity: uuid.UUID) -> list[ImportRow]:
    """What its lines did, in their order."""
    with runtime.db.reading() as session:
        query = select(ImportRow).where(ImportRow.import_id == identity).order_by(col(ImportRow.line))
        return list(session.exec(query))


def everything(runtime: Runtime) -> dict[tuple[str, str], dict[str, Any]]:
    """What all listings say, with their states, by noun and key."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    with runtime.db.reading() as session:
        for noun, model in LISTINGS.items():
            for one in session.exec(select(model)):
                found[noun, str(one.external_key or one.id)] = {**versions.content_of(one), **_beside(one)}
    return found


def _beside(one: Listing) -> dict[str, Any]:
    names = ("state", "organisation_id", "owner_id", "custody", "language", "merged_into")
    return {name: getattr(one, name) for name in names}
