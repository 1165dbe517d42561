"""Imports: each row goes in once, says nothing new the second time, and is told of by line where it stays out."""

from __future__ import annotations

import pytest
from sqlmodel import select

from market.errors import Conflict, Forbidden, Invalid, NotFound
from market.models import AuditEntry, ImportPart, ListingVersion, Organisation, Outcome, Review
from market.outbox import JobName
from market.runtime import Runtime
from market.services.files import findings, importing
from market.services.files.readings import BATCH
from tests.factories import Person, SettableClock, add_member, add_organisation, add_person
from tests.services.files import (
    ask,
    begin,
    counts,
    everything,
    faults,
    imported,
    notes,
    read,
    row,
    rows_of,
    who,
    work,
)
from tests.services.stock import act, change, how_many, inbox, keys_of, stored

MANY = BATCH + 50


@pytest.fixture
def staff(runtime: Runtime) -> Person:
    """An administrator."""
    return add_person(runtime, roles=("administrator",))


@pytest.fixture
def member(runtime: Runtime) -> Person:
    """A member of a trusted organisation."""
    return add_member(runtime, external_key="org-1", credit_code="12100000400000624F")


def outcomes(count: int, **changes: object) -> list[dict[str, object]]:
    return [row("outcome", f"k{number}", **changes) for number in range(count)]


def test_every_row_becomes_a_listing_that_is_published_audited_and_indexed_by_a_job(
    runtime: Runtime, member: Person
) -> None:
    done = imported(runtime, member, outcomes(3))
    assert (done.state, counts(done), done.rows) == ("done", (3, 0, 0, 0), 3)
    with runtime.db.reading() as session:
        rows = session.exec(select(Outcome)).all()
        deeds = session.exec(select(AuditEntry.subject_id).where(AuditEntry.action == "create")).all()
        assert how_many(session, ImportPart) == 0
    assert {one.organisation_id for one in rows} == {member.organisation_id}
    assert all(one.published and one.custody == "consented" for one in rows)
    assert {*deeds} == {one.id for one in rows}
    assert keys_of(runtime, "index") == sorted(f"outcome:{one.id}" for one in rows)
    assert [told.kind for told in inbox(runtime, "import_finished")] == ["import_finished"]


@pytest.mark.parametrize("noun", ["outcome", "expert", "demand"])
def test_the_same_file_again_changes_nothing(runtime: Runtime, member: Person, noun: str) -> None:
    lines = [row(noun, f"k{number}") for number in range(4)]
    imported(runtime, member, lines, noun)
    before, waiting = stored(runtime), keys_of(runtime, "index")
    assert counts(imported(runtime, member, lines, noun)) == (0, 0, 4, 0)
    assert (stored(runtime), keys_of(runtime, "index")) == (before, waiting)


def test_a_changed_row_makes_a_new_version_and_keeps_what_was_said_before(runtime: Runtime, member: Person) -> None:
    imported(runtime, member, outcomes(2))
    done = imported(runtime, member, [row("outcome", "k0", trl=8), row("outcome", "k1")])
    assert counts(done) == (0, 1, 1, 0)
    assert sorted(stored(runtime)["outcome"].values()) == [1, 2]
    with runtime.db.reading() as session:
        kept = session.exec(select(ListingVersion)).one()
    assert (kept.version, kept.content["trl"]) == (1, 7)


def test_a_changed_work_replaces_the_works_of_an_expert(runtime: Runtime, member: Person) -> None:
    imported(runtime, member, [row("expert", "k0")], "expert")
    works = [{"title": "一", "year": 2024}, {"title": "二"}]
    assert counts(imported(runtime, member, [row("expert", "k0", works=works)], "expert")) == (0, 1, 0, 0)
    assert [one["title"] for one in everything(runtime)["expert", "k0"]["works"]] == ["一", "二"]
    assert counts(imported(runtime, member, [row("expert", "k0", works=works)], "expert")) == (0, 0, 1, 0)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_key_that_comes_again_is_passed_by_or_a_fault_where_it_says_something_else(
    runtime: Runtime, member: Person, dry_run: bool
) -> None:
    lines = [row("outcome", "k", trl=5), row("outcome", "k", trl=6), row("outcome", "k", trl=5)]
    far = [row("outcome", f"k{number}") for number in range(BATCH)]
    done = imported(runtime, member, [*lines, *far, row("outcome", "k", trl=7)], dry_run=dry_run)
    assert (counts(done), notes(runtime, done.id)) == ((BATCH + 1, 0, 1, 2), [3])
    assert faults(runtime, done.id) == [(2, "/key"), (3, "/key"), (BATCH + 4, "/key")]
    assert dry_run or everything(runtime)["outcome", "k"]["trl"] == 5
    with runtime.db.reading() as session:
        assert all("line 1" in one.en.casefold() for one in findings.read(session, done.id))


def test_what_stays_out_is_told_by_line_and_column_in_both_languages(runtime: Runtime, member: Person) -> None:
    lines = [
        row("outcome", "a"), b"{", row("outcome", "b", trl=12), {"key": "c"}, row("outcome", "d", owner="nobody"),
        row("outcome", "e", organisation="org-9"), row("outcome", "f", organisation="ORG-1"),
    ]  # fmt: skip
    done = imported(runtime, member, lines)
    assert counts(done) == (2, 0, 0, 5)
    assert faults(runtime, done.id) == [(2, ""), (3, "/trl"), (4, "/title_zh"), (5, "/owner"), (6, "/organisation")]
    with runtime.db.reading() as session:
        assert all(one.zh != one.en for one in findings.read(session, done.id) if one.line > 2)


def test_an_organisation_that_is_not_trusted_has_its_rows_reviewed(runtime: Runtime) -> None:
    newcomer = add_member(runtime, trusted=False)
    imported(runtime, newcomer, outcomes(2))
    with runtime.db.reading() as session:
        rows = session.exec(select(Outcome)).all()
        open_reviews = session.exec(select(Review.listing_id).where(Review.decision == "")).all()
    assert {one.state for one in rows} == {"submitted"}
    assert {*open_reviews} == {one.id for one in rows}


def test_staff_name_the_organisation_by_key_credit_code_or_name(runtime: Runtime, staff: Person) -> None:
    one = add_organisation(runtime, external_key="org-1", name_zh="甲大学", name_en="A University")
    two = add_organisation(runtime, credit_code="12100000400000624F", name_zh="乙研究所", name_en="B")
    named = ("org-1", "12100000400000624F", "甲大学", "B", "丙公司")
    done = imported(runtime, staff, [row("outcome", name, organisation=name) for name in named])
    assert (counts(done), faults(runtime, done.id)) == ((4, 0, 0, 1), [(5, "/organisation")])
    owners = {key: said["organisation_id"] for (_, key), said in everything(runtime).items()}
    assert owners == {"org-1": one, "甲大学": one, "12100000400000624F": two, "B": two}


def test_what_staff_bring_for_others_is_unclaimed_and_published(runtime: Runtime, staff: Person) -> None:
    add_organisation(runtime, trusted=False, name_zh="甲大学")
    imported(runtime, staff, [row("expert", "k", organisation="甲大学")], "expert")
    said = everything(runtime)["expert", "k"]
    assert (said["custody"], said["state"], said["owner_id"]) == ("unclaimed", "published", None)


def test_two_organisations_of_one_name_are_not_guessed_at(runtime: Runtime, staff: Person) -> None:
    for _ in range(2):
        add_organisation(runtime, name_zh="同名研究院")
    done = imported(runtime, staff, [row("outcome", "k", organisation="同名研究院")])
    assert counts(done) == (0, 0, 0, 1)


def test_organisations_that_nobody_knows_are_made_where_that_is_asked_for(runtime: Runtime, staff: Person) -> None:
    lines = [row("outcome", f"k{number}", organisation="新大学") for number in range(2)]
    assert counts(imported(runtime, staff, lines, create_organisations=True, dry_run=True)) == (2, 0, 0, 0)
    with runtime.db.reading() as session:
        assert how_many(session, Organisation) == 0
    assert counts(imported(runtime, staff, lines, create_organisations=True)) == (2, 0, 0, 0)
    with runtime.db.reading() as session:
        made = session.exec(select(Organisation)).one()
    assert (made.name_zh, made.trusted, made.verification) == ("新大学", False, "unverified")


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_organisation_that_is_spelt_a_little_otherwise_is_no_new_one(
    runtime: Runtime, staff: Person, dry_run: bool
) -> None:
    there = add_organisation(runtime, name_zh="海河研究院（天津）", name_en="Haihe Institute")
    names = ("海河研究院(天津)", "海河研究院 （天津）", "haihe institute", "HAIHE  Institute", "新 (所)", "新（所）")
    lines = [row("outcome", f"k{number}", organisation=name) for number, name in enumerate(names)]
    assert counts(imported(runtime, staff, lines, create_organisations=True, dry_run=dry_run)) == (6, 0, 0, 0)
    with runtime.db.reading() as session:
        assert how_many(session, Organisation) == (1 if dry_run else 2)
    if not dry_run:
        owners = [said["organisation_id"] for said in everything(runtime).values()]
        assert owners.count(there) == 4


def test_a_dry_run_says_what_would_become_of_each_row_and_stores_nothing(runtime: Runtime, member: Person) -> None:
    imported(runtime, member, outcomes(2))
    before, waiting = everything(runtime), keys_of(runtime, "index")
    lines = [row("outcome", "k0"), row("outcome", "k1", trl=1), row("outcome", "new"), row("outcome", "new"), b"{"]
    done = imported(runtime, member, lines, dry_run=True)
    assert (done.state, counts(done)) == ("done", (1, 1, 2, 1))
    assert faults(runtime, done.id) == [(4, "/key"), (5, "")]
    assert (everything(runtime), keys_of(runtime, "index"), rows_of(runtime, done.id)) == (before, waiting, [])


def test_a_dry_run_is_run_without_its_file_being_sent_again_within_a_day(runtime: Runtime, member: Person) -> None:
    trial = imported(runtime, member, outcomes(2), dry_run=True)
    real = ask(runtime, member, importing.run, trial.id)
    work(runtime)
    assert counts(read(runtime, real.id)) == (2, 0, 0, 0)
    with pytest.raises(Conflict, match="file-gone"):
        ask(runtime, member, importing.run, trial.id)


def test_the_file_of_a_dry_run_is_forgotten_after_a_day(
    runtime: Runtime, member: Person, clock: SettableClock
) -> None:
    trial = imported(runtime, member, outcomes(1), dry_run=True)
    clock.advance(hours=25)
    with runtime.db.writing() as session:
        importing.forget(session, now=runtime.clock())
    with pytest.raises(Conflict, match="file-gone"):
        ask(runtime, member, importing.run, trial.id)


def test_a_large_file_goes_in_batch_by_batch_with_its_progress(runtime: Runtime, member: Person) -> None:
    identity = begin(runtime, member, outcomes(MANY))
    work(runtime, steps=1)
    half = read(runtime, identity)
    assert (half.state, half.created, half.done, half.rows) == ("running", BATCH, BATCH, MANY)
    work(runtime)
    assert (read(runtime, identity).state, counts(read(runtime, identity))) == ("done", (MANY, 0, 0, 0))


def test_another_worker_goes_on_where_one_has_stopped(runtime: Runtime, member: Person) -> None:
    identity = begin(runtime, member, outcomes(MANY))
    work(runtime, steps=1)
    runtime.readings.close(identity)  # as in a process that never had it open
    work(runtime)
    done = read(runtime, identity)
    assert counts(done) == (MANY, 0, 0, 0)
    assert [one.line for one in rows_of(runtime, identity)] == [*range(1, MANY + 1)]


def test_a_cancelled_import_takes_in_no_more_and_keeps_what_is_in(runtime: Runtime, member: Person) -> None:
    identity = begin(runtime, member, outcomes(MANY))
    work(runtime, steps=1)
    ask(runtime, member, importing.cancel, identity)
    ask(runtime, member, importing.cancel, identity)
    work(runtime)
    assert (read(runtime, identity).state, len(stored(runtime)["outcome"])) == ("cancelled", BATCH)


def test_a_file_that_cannot_be_read_is_refused_or_fails_and_says_why(runtime: Runtime, member: Person) -> None:
    with pytest.raises(Invalid):
        begin(runtime, member, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600)
    done = imported(runtime, member, "甲,乙\n1,2\n".encode(), name="x.csv")
    assert (done.state, done.why) == ("failed", "file-unreadable")
    assert len(faults(runtime, done.id)) == 1
    assert [told.kind for told in inbox(runtime, "import_finished")] == ["import_finished"]


def test_an_import_ends_when_whoever_began_it_may_not_import_any_more(runtime: Runtime, member: Person) -> None:
    identity = begin(runtime, member, outcomes(1))
    with runtime.db.writing() as session:
        organisation = session.get_one(Organisation, member.organisation_id)
        organisation.active = False
    work(runtime)
    assert (read(runtime, identity).state, read(runtime, identity).why) == ("failed", "rights-ended")
    assert stored(runtime)["outcome"] == {}


def test_nobody_imports_for_an_organisation_that_is_not_theirs(
    runtime: Runtime, member: Person, staff: Person
) -> None:
    other = add_organisation(runtime)
    with pytest.raises(Forbidden):
        begin(runtime, member, outcomes(1), only=other)
    with pytest.raises(Forbidden):
        begin(runtime, member, outcomes(1), create_organisations=True)
    identity = begin(runtime, staff, outcomes(1), only=other)
    with runtime.db.reading() as session, pytest.raises(NotFound):
        importing.get(session, who(runtime, member), identity)


def test_a_merged_listing_is_left_as_it_is_with_a_note(runtime: Runtime, member: Person) -> None:
    imported(runtime, member, outcomes(2))
    with runtime.db.writing() as session:
        first, second = session.exec(select(Outcome).order_by(Outcome.external_key)).all()  # type: ignore[arg-type]
        first.merged_into, first.state = second.id, "closed"
        session.add(first)
    done = imported(runtime, member, outcomes(2, trl=1))
    assert (counts(done), notes(runtime, done.id)) == ((0, 1, 1, 0), [1])


def test_a_closed_listing_is_a_fault_and_a_change_by_somebody_else_is_overwritten(
    runtime: Runtime, member: Person
) -> None:
    ids = [one.listing_id for one in rows_of(runtime, imported(runtime, member, outcomes(2)).id)]
    act(runtime, "outcome", ids[0], "close")
    change(runtime, "outcome", ids[1], trl=2)
    done = imported(runtime, member, [row("outcome", "k0", trl=1), row("outcome", "k1")])
    assert (counts(done), faults(runtime, done.id)) == ((0, 1, 0, 1), [(1, "/key")])
    assert everything(runtime)["outcome", "k1"]["trl"] == 7


def test_an_import_that_nobody_works_on_any_more_is_taken_up_again(
    runtime: Runtime, member: Person, clock: SettableClock
) -> None:
    identity = begin(runtime, member, outcomes(1))
    assert keys_of(runtime, JobName.IMPORT) == [str(identity)]
    runtime_jobs_gone(runtime)
    clock.advance(minutes=20)
    with runtime.db.writing() as session:
        importing.forget(session, now=runtime.clock())
    work(runtime)
    assert read(runtime, identity).state == "done"


def runtime_jobs_gone(runtime: Runtime) -> None:
    """As if the outbox had lost them."""
    with runtime.db.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM jobs")
