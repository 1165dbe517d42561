"""A small exchange whose attributes follow from each listing's number, so that expectations can be computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from market.runtime import Runtime
from tests.factories import Caller, payload

FIELDS = ("new_materials", "new_energy", "aerospace")
REGIONS = ("120000", "110108", "130000")


@dataclass
class Library:
    """What was posted, by kind, and who may ask."""

    runtime: Runtime
    visitor: Caller
    owner: Caller
    other: Caller
    outcomes: list[dict[str, Any]]
    experts: list[dict[str, Any]]
    demands: list[dict[str, Any]]

    def find(self, noun: str, caller: Caller | None = None, **query: Any) -> dict[str, Any]:
        """A search that succeeds, its first page of up to 100."""
        response = (caller or self.visitor).get(f"{noun}s", limit=100, **query)
        assert response.status_code == 200, response.text
        return dict(response.json)

    def ids(self, noun: str, **query: Any) -> set[str]:
        """The ids of what a search finds."""
        return {item["id"] for item in self.find(noun, **query)["items"]}


def outcome(number: int) -> dict[str, Any]:
    """One of thirty outcomes whose attributes follow from its number."""
    return payload(
        "outcome",
        title_zh=f"第{number}号激光焊接装置",
        title_en=f"Laser welding device No. {number}",
        summary_zh="用于薄壁构件的激光焊接，变形小。" if number % 2 else "用于厚板的电弧焊接。",
        summary_en="",
        keywords=["激光焊接"] if number % 2 else ["电弧焊接"],
        field=FIELDS[number % 3],
        region=REGIONS[number % 3],
        industries=["C26"] if number % 2 else ["A01"],
        disciplines=["11011"] if number % 5 == 0 else [],
        kind="new_equipment" if number % 2 else "software",
        category="applied_technology" if number % 2 else "basic_theory",
        funding_source="in_house" if number % 2 else "joint",
        ip_status="granted" if number % 2 else "applied",
        ip_rights=[{"kind": "invention_patent"}] if number % 2 else [{"kind": "software_copyright"}],
        cooperation_modes=["licence"] if number % 2 else ["transfer", "consulting"],
        trl=number % 9 + 1,
        price=None if number % 10 == 0 else number * 100_000,
    )


def expert(number: int) -> dict[str, Any]:
    """One of six experts."""
    return payload(
        "expert",
        name_zh=f"齐越{'甲乙丙丁戊己'[number]}",
        name_en=f"Qi Yue {number}",
        field=FIELDS[number % 3],
        regions_served=[REGIONS[number % 3]],
        cooperation=["training"] if number % 2 else ["diagnosis"],
        professional_title="professor" if number % 2 else "engineer",
        degree="doctor" if number % 2 else "master",
        availability="available" if number % 2 else "limited",
        works=[{"title": f"论文{title}"} for title in range(number)],
    )


def demand(number: int) -> dict[str, Any]:
    """One of six demands."""
    return payload(
        "demand",
        title_zh=f"第{number}号焊接难题",
        keywords=["激光焊接", "薄壁构件"],
        title_en="",
        field=FIELDS[number % 3],
        region=REGIONS[number % 3],
        region_rule="required" if number % 2 else "preferred",
        cooperation_modes=["licence"] if number % 2 else ["transfer"],
        industries=["C26"] if number % 2 else ["A01"],
        trl_from=number + 1,
        trl_to=number + 3,
        budget_from=number * 100_000,
        budget_to=(number + 1) * 100_000,
        reward=number * 1000,
        deadline=f"203{number}-06-30",
    )
