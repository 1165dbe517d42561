"""Tables and NDJSON say which fields are protected, to whoever may know it; what is not understood opens nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from market.models import LISTINGS, Listing
from market.runtime import Runtime
from tests.api.test_exports import export
from tests.api.test_imports import begun
from tests.factories import NOUNS, Caller, post
from tests.services.files import work
from tests.services.stock import stored

Drain = Callable[[], int]

TIERS = {
    "outcome": {"description": "verified", "price": "agreement", "contact": "registered"},
    "expert": {"biography": "registered", "orcid": "agreement"},
    "demand": {"problem": "agreement", "organisation": "registered", "budget": "verified"},
}


def only(runtime: Runtime, noun: str) -> Listing:
    with runtime.db.reading() as session:
        [listing] = session.exec(select(LISTINGS[noun]))
    return listing


def told(caller: Caller, sent: dict[str, Any]) -> list[str]:
    items = caller.speaking("zh").get(sent["links"]["faults"]).json["items"]
    return [f"{one['line']} {one['column']}: {one['message']}" for one in items]


@pytest.mark.parametrize("fmt", ["csv", "xlsx", "ndjson"])
@pytest.mark.parametrize("noun", NOUNS)
def test_an_export_of_ones_own_brings_its_protection_back(
    owner: Caller, stranger: Caller, runtime: Runtime, drain: Drain, noun: str, fmt: str
) -> None:
    values: dict[str, Any] = {"organisation_masked": True} if noun == "demand" else {}
    made = post(owner, noun, external_key="moved-1", tiers=TIERS[noun], contact_phone="022-1234", **values)
    drain()
    file = export(owner.speaking("zh"), noun, format=fmt).data
    assert owner.delete(f"{noun}s/{made['id']}", version=made["version"]).status_code == 204
    begun(owner, file, name=f"x.{fmt}", noun=noun)
    work(runtime)
    again, theirs = (caller.get(f"{noun}s/{only(runtime, noun).id}").json for caller in (owner, stranger))
    assert again["tiers"] == made["tiers"] == TIERS[noun]
    assert again.get("organisation_masked") == made.get("organisation_masked")
    hidden = {field for field, tier in TIERS[noun].items() if tier != "registered"}
    assert hidden <= {*theirs["protected"]}


@pytest.mark.parametrize("noun", NOUNS)
def test_a_strangers_table_does_not_say_what_is_protected(
    owner: Caller, stranger: Caller, drain: Drain, noun: str
) -> None:
    post(owner, noun, tiers=TIERS[noun])
    drain()
    cells = {}
    for caller in (owner, stranger):
        text = export(caller.speaking("zh"), noun, format="csv").data.decode("utf-8-sig")
        [row] = csv.DictReader(io.StringIO(text, newline=""))
        cells[caller] = row["披露范围"]
    assert cells[stranger] == ""
    assert "承诺" in cells[owner]
    assert "tiers" not in export(stranger, noun).text


def test_a_tier_that_cannot_be_read_keeps_its_row_out(owner: Caller, runtime: Runtime) -> None:
    file = "需求编号,需求名称,技术难题,披露范围\nA,一,机密,技术难题: 只给熟人\nB,二,机密,技术难题: 协议后\n".encode()
    sent = begun(owner, file, name="x.csv", noun="demand")
    work(runtime)
    listing = only(runtime, "demand")
    assert (listing.external_key, listing.tiers) == ("B", {"problem": "agreement"})
    [fault] = told(owner, sent)
    assert fault.startswith("2 披露范围 (D): 第 1 项：'只给熟人' 不属于“披露层级”")


@pytest.mark.parametrize(
    ("header", "mapping"),
    [("保密等级", "{}"), ("保密等级", '{"*": ""}'), ("保密字段,披露范围", "{}"), ("颜色", '{"*": "refuse"}')],
)
def test_columns_that_may_not_be_passed_by_stop_the_import_before_its_first_row(
    owner: Caller, runtime: Runtime, header: str, mapping: str
) -> None:
    file = f"需求编号,需求名称,{header}\nA,一,高,技术难题: 协议后\n".encode()
    for trial in ("true", "false"):
        sent = begun(owner, file, name="x.csv", noun="demand", mapping=mapping, dry_run=trial)
        work(runtime)
        assert owner.get(sent["links"]["self"]).json["state"] == "failed"
        assert "文件未被导入" in told(owner, sent)[-1]
    assert stored(runtime)["demand"] == {}


def test_unknown_columns_are_left_out_with_a_word_or_without(owner: Caller, runtime: Runtime) -> None:
    file = "需求编号,需求名称,联系人电话\nA,一,1\n".encode()
    counts = {}
    for mapping in ("{}", '{"*": ""}'):
        sent = begun(owner, file, name="x.csv", noun="demand", mapping=mapping, dry_run="true")
        work(runtime)
        row = owner.get(sent["links"]["self"]).json
        counts[mapping] = (row["state"], row["created"], told(owner, sent))
    assert counts['{"*": ""}'] == ("done", 1, [])
    state, created, [fault] = counts["{}"]
    assert (state, created) == ("done", 1)
    assert "“联系电话”（contact_phone）、“联系人”（contact_name）" in fault
