"""GET /stats and /stats/<dimension>: figures, CSV and charts, open to anyone, of what the public may see."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image
from sqlmodel import func, select

from market.charts import fonts
from market.charts.png import SCALE
from market.models import LISTINGS, Demand, Match, Organisation
from market.rights.quotas import quotas
from market.runtime import Runtime
from market.services.figures import publishing
from market.services.trail.usage import Meters
from tests.factories import Caller, SettableClock, add_member, post

pytestmark = pytest.mark.long

DIMENSIONS = ("region", "field", "organisation", "month", "conversion")
CANARY = "莺燕机密"


@pytest.fixture
def stocked(runtime: Runtime, owner: Caller, visitor: Caller, drain: Callable[[], int]) -> Caller:
    """Published, draft and withdrawn listings, and a masked demand of an organisation that must not be named; gives
    the company with the demand that is not masked."""
    company = Caller(visitor.client, add_member(runtime, name_zh="渤海制造", name_en="Bohai <Works> & Sons"))
    hidden = Caller(visitor.client, add_member(runtime, name_zh=CANARY, name_en="Canary Kestrel Works"))
    post(owner, "outcome")
    post(owner, "outcome", field="aerospace", region="120104")
    post(owner, "outcome", submit=False, field="new_energy")
    withdrawn = post(owner, "outcome", field="new_energy")
    owner.post(f"outcomes/{withdrawn['id']}/actions/withdraw")
    post(owner, "expert")
    post(company, "demand", contact_name=CANARY, external_key=CANARY)
    post(hidden, "demand", organisation_masked=True)
    drain()
    return company


def test_statistics_equal_the_database(
    runtime: Runtime, owner: Caller, stranger: Caller, visitor: Caller, drain: Callable[[], int]
) -> None:
    post(owner, "outcome")
    post(owner, "outcome", field="aerospace", region="110108")
    post(owner, "outcome", submit=False)
    post(owner, "expert")
    post(stranger, "demand")
    solved = post(stranger, "demand", field="")
    stranger.post(f"demands/{solved['id']}/actions/award")
    drain()
    with runtime.db.reading() as session:
        listings = {
            noun: session.exec(select(model).where(model.state == "published")).all()
            for noun, model in LISTINGS.items()
        }
        matches = session.exec(select(func.count()).select_from(Match).where(Match.active)).one()
        organisations = session.exec(select(func.count()).select_from(Organisation)).one()
        is_open = (Demand.state == "published") & (Demand.progress == "open")
        open_demands = session.exec(select(func.count()).select_from(Demand).where(is_open)).one()
    counted = visitor.get("stats").json
    assert counted["organisations"] == organisations == 2
    assert {noun: counted[f"{noun}s"] for noun in LISTINGS} == {noun: len(rows) for noun, rows in listings.items()}
    assert counted["matches"] == matches > 0
    assert counted["open_demands"] == open_demands == 1
    assert counted["by_region"] == {"120000": 1, "110108": 1}
    assert counted["by_field"] == {
        "new_materials": {"outcomes": 1, "experts": 1, "demands": 1},
        "aerospace": {"outcomes": 1},
        "": {"demands": 1},
    }


def test_figures_are_those_of_the_moment_they_state_and_no_older_than_a_minute(
    owner: Caller, visitor: Caller, clock: SettableClock
) -> None:
    began = clock.now

    def told(path: str) -> tuple[int, float, str]:
        answer = visitor.get(path)
        outcomes = answer.json.get("total", answer.json)["outcomes"]
        age = datetime.fromisoformat(answer.json["counted_at"]) - began
        return outcomes, age.total_seconds(), answer.headers["Cache-Control"].removeprefix("private, max-age=")

    for path in ("stats", "stats/region"):
        clock.now = began = clock.now + timedelta(minutes=2)
        before = told(path)[0]
        post(owner, "outcome")
        clock.advance(seconds=59)
        assert told(path) == (before, 0, "1")
        clock.advance(seconds=1)
        assert told(path) == (before + 1, 60, "60")


@pytest.mark.parametrize("path", ["stats", *(f"stats/{dimension}" for dimension in DIMENSIONS)])
def test_who_has_the_figures_already_is_told_so(
    stocked: Caller, visitor: Caller, clock: SettableClock, path: str
) -> None:
    forms = [{"format": form} for form in ("json", "csv", "svg", "png")] if path != "stats" else [{}]
    for form in forms:
        chinese, english = (visitor.speaking(language).get(path, **form) for language in ("zh", "en"))
        assert (chinese.data == english.data) or chinese.headers["ETag"] != english.headers["ETag"], form
        has = {"If-None-Match": chinese.headers["ETag"]}
        again = visitor.speaking("zh").get(path, headers=has, **form)
        assert (again.status_code, again.data) == (304, b"")
    clock.advance(seconds=60)
    has = {"If-None-Match": visitor.get(path).headers["ETag"]}
    clock.advance(seconds=60)
    assert visitor.get(path, headers=has).status_code == 200  # it says when it was counted


def test_what_is_counted_or_drawn_anew_weighs_as_much_as_several_requests(runtime: Runtime, app: Any) -> None:
    limited = replace(runtime.settings, limits=True)
    app.extensions["market"] = replace(
        runtime, settings=limited, meters=Meters(quotas("visitor.requests_per_minute=20"))
    )
    visitor = Caller(app.test_client())
    asked = [("stats", {}), ("stats/region", {}), *[("stats/region", {"format": "png"})] * 3, ("stats", {})]
    left = [visitor.get(path, **query).headers["RateLimit"] for path, query in asked]
    assert [int(one.partition('"minute";r=')[2].partition(";")[0]) for one in left] == [15, 10, 5, 4, 3, 2]
    assert visitor.get("stats/month").status_code == 429


def test_an_empty_exchange_counts_nothing(visitor: Caller) -> None:
    counted = visitor.get("stats").json
    assert set(counted.pop("demands_by_progress").values()) == {0}
    assert counted.pop("conversion") is None
    assert counted.pop("counted_at")
    assert counted == {
        "organisations": 0, "organisations_publishing": 0, "outcomes": 0, "experts": 0, "demands": 0,
        "open_demands": 0, "matches": 0, "by_field": {}, "by_region": {}, "budget": None,
        "since": None, "until": None,
    }  # fmt: skip


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("form", ["json", "csv", "svg", "png"])
def test_an_empty_exchange_is_shown_in_every_format(visitor: Caller, dimension: str, form: str) -> None:
    assert visitor.get(f"stats/{dimension}", format=form).status_code == 200


def test_the_way_of_a_match_is_counted_from_found_to_in_contact(
    owner: Caller, stranger: Caller, stocked: Caller, visitor: Caller, clock: SettableClock, drain: Callable[[], int]
) -> None:
    post(stranger, "demand")  # of fewer than three it is not told
    drain()
    found = visitor.get("stats").json["conversion"]["found"]
    [demand] = stocked.get("demands", organisation=str(stocked.person.organisation_id)).json["items"]
    first, second = stocked.get(f"demands/{demand['id']}/matches").json["items"][:2]
    stocked.post(f"matches/{second['id']}/actions/see")
    for side in (stocked, owner):
        assert side.post(f"matches/{first['id']}/actions/interest").status_code == 200
    clock.advance(minutes=1)
    told = visitor.get("stats/conversion").json["items"]
    assert [one["matches"] for one in told] == [found, 2, 1, 1]
    assert told[1]["rate"] == round(2 / found, 4)
    assert visitor.get("stats").json["conversion"]["rates"]["in_contact"] == round(1 / found, 4)


def test_groups_have_labels_in_the_callers_language(stocked: Caller, visitor: Caller) -> None:
    for language, label in (("zh", "天津市"), ("en", "Tianjin")):
        [region, *_] = visitor.speaking(language).get("stats/region").json["items"]
        assert (region["code"], region["label"], region["outcomes"]) == ("120000", label, 2)
    cities = visitor.get("stats/region", level="city", what="outcomes").json["items"]
    assert {one["code"]: one["outcomes"] for one in cities} == {"120000": 1, "120104": 1}


def test_a_masked_organisation_is_named_in_no_format(stocked: Caller, visitor: Caller) -> None:
    told = visitor.get("stats/organisation").json
    assert told["total"]["demands"] == 2
    assert sum(one["demands"] for one in told["items"]) == 1
    for dimension in DIMENSIONS:
        for form in ("json", "csv", "svg", "png"):
            body = visitor.get(f"stats/{dimension}", format=form).data
            assert CANARY.encode() not in body
            assert b"Kestrel" not in body


def test_csv_holds_the_same_figures_as_json(stocked: Caller, visitor: Caller) -> None:
    for dimension in DIMENSIONS:
        answer = visitor.get(f"stats/{dimension}", format="csv")
        assert answer.content_type == "text/csv; charset=utf-8"
        assert f'filename="{dimension}.csv"' in answer.headers["Content-Disposition"]
        lines = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""))
        items = visitor.get(f"stats/{dimension}").json["items"]
        assert [(line["code"], int(line["matches"])) for line in lines] == [
            (item["code"], item["matches"]) for item in items
        ]


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_svg_chart_is_well_formed_and_holds_every_label(
    stocked: Caller, visitor: Caller, dimension: str, language: str
) -> None:
    caller = visitor.speaking(language)
    answer = caller.get(f"stats/{dimension}", format="svg")
    assert (answer.content_type, answer.headers["Content-Language"]) == ("image/svg+xml", language)
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    text = "\n".join(ET.fromstring(answer.data).itertext())
    for item in caller.get(f"stats/{dimension}").json["items"]:
        assert item["label"] in text
    assert answer.data == caller.get(f"stats/{dimension}", format="svg").data


def test_a_png_chart_says_in_a_header_when_it_is_not_in_the_language_asked_for(
    stocked: Caller, visitor: Caller
) -> None:
    answer = visitor.speaking("zh").get("stats/region", format="png")
    image = Image.open(io.BytesIO(answer.data))
    assert (answer.content_type, image.width) == ("image/png", 960 * SCALE)
    expected = ("zh", None) if fonts.chinese() else ("en", publishing.NO_CHINESE)
    assert (answer.headers["Content-Language"], answer.headers.get("X-Chart-Note")) == expected
    assert "X-Chart-Note" not in visitor.speaking("en").get("stats/region", format="png").headers


def test_a_period_counts_only_what_lies_in_it(stocked: Caller, visitor: Caller) -> None:
    assert visitor.get("stats", since="2001-01-01").json["outcomes"] == 2
    before = visitor.get("stats", until="2001-01-01").json
    assert (before["outcomes"], before["matches"], before["organisations"]) == (0, 0, 0)
    assert (before["since"], before["until"]) == (None, "2001-01-01")
    assert visitor.get("stats/region", until="2001-01-01").json["items"] == []


@pytest.mark.parametrize(
    ("path", "query", "pointer"),
    [
        ("stats", {"since": "yesterday"}, "/query/since"),
        ("stats", {"since": "0001-01-01"}, "/query/since"),
        ("stats", {"until": "9999-12-31"}, "/query/until"),
        ("stats", {"since": "2026-02-01", "until": "2026-01-01"}, "/query/until"),
        ("stats/region", {"top": "0"}, "/query/top"),
        ("stats/organisation", {"top": "101"}, "/query/top"),
        ("stats/field", {"format": "xlsx"}, "/query/format"),
        ("stats/field", {"what": "organisations"}, "/query/what"),
        ("stats/field", {"level": "city"}, "/query/level"),
        ("stats/conversion", {"top": "3"}, "/query/top"),
    ],
)
def test_what_cannot_be_asked_is_refused(visitor: Caller, path: str, query: dict[str, Any], pointer: str) -> None:
    answer = visitor.get(path, **query)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_there_are_no_other_dimensions(visitor: Caller) -> None:
    assert visitor.get("stats/person").status_code == 404


def test_a_key_that_is_none_is_refused_here_too(visitor: Caller) -> None:
    refused = {"Authorization": "Bearer nothing"}
    assert (
        visitor.get("stats/region", headers=refused).status_code == visitor.get("stats", headers=refused).status_code
    )


def test_the_formats_are_documented(visitor: Caller) -> None:
    operation = visitor.get("/openapi.json").json["paths"]["/api/v1/stats/region"]["get"]
    assert {*operation["responses"]["200"]["content"]} == {
        "application/json",
        "text/csv",
        "image/svg+xml",
        "image/png",
    }
    assert {one["name"] for one in operation["parameters"]} >= {"since", "until", "top", "what", "level", "format"}
