"""An exchange where each field that can be protected is so at each tier, and holds a mark that tells which it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from market.runtime import Runtime
from market.vocabulary.protection import FIELDS, TIERS
from tests.factories import NOUNS, Caller, add_member, add_organisation, add_person, payload

CLOSED = TIERS[1:]
_DIGITS = "qwzxvkjbph"


@dataclass(frozen=True)
class Mark:
    """What stands in a field, and from which tier on it may be seen (4: by nobody)."""

    noun: str
    field: str
    rank: int
    text: str


@dataclass
class Secrets:
    """The listings by (noun, tier), their marks, and who looks at them, by level."""

    runtime: Runtime
    owner: Caller
    staff: Caller
    readers: dict[int, Caller]
    others: dict[str, Caller] = field(default_factory=dict)
    listings: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)

    @property
    def texts(self) -> set[str]:
        """Of all marks."""
        return {mark.text for mark in self.marks}

    def above(self, level: int) -> list[str]:
        """What nobody of this level may see."""
        return [mark.text for mark in self.marks if mark.rank > level]

    def leaks(self, text: str, level: int) -> list[str]:
        """Which of these stand in a text all the same."""
        return [mark for mark in self.above(level) if mark in text]


def word(number: int) -> str:
    """A word that no language has, another for each number, and no two alike but for a letter or two."""
    return "yy" + "".join(_DIGITS[int(digit)] * 2 for digit in f"{number:03}") + "yy"


def consent(caller: Caller) -> dict[str, str]:
    """To the present text."""
    told = caller.get("confidentiality").json
    return {"version": told["version"], "sha256": told["sha256"]}


def orcid(number: int) -> str:
    """A valid one for each number."""
    digits = f"0000000{number:08}"
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    whole = digits + ("X" if rest == 10 else str(rest))
    return "-".join(whole[start : start + 4] for start in range(0, 16, 4))


def _shapes(number: int) -> dict[str, Callable[[str], dict[str, Any]]]:
    """How a mark fills each field; figures are marks of their own."""
    return {
        **{
            stem: lambda mark, stem=stem: {f"{stem}_zh": f"机密{mark}", f"{stem}_en": f"secret {mark}"}
            for stem in ("description", "advantages", "problem", "background", "biography")
        },
        **{
            name: lambda mark, name=name: {name: [mark]}
            for name in ("owners", "inventors", "awards", "keywords", "intended")
        },
        "indicators": lambda mark: {
            "indicators": [{"name": f"耐盐雾时间{mark}", "direction": "at_least", "value": 4000, "unit": "h"}]
        },
        "ip_rights": lambda mark: {"ip_rights": [{"kind": "invention_patent", "number": mark}]},
        "works": lambda mark: {
            "works": [{"title": f"潮差区防腐涂层{mark}", "abstract": f"防腐涂层起泡 {mark}", "year": 2025}]
        },
        "position": lambda mark: {"position": mark},
        "contact": lambda mark: {
            "contact_name": mark, "contact_phone": f"022-{mark}", "contact_email": f"{mark}@secret.example",
        },
        "price": lambda mark: {"price": int(mark)},
        "budget": lambda mark: {"budget_to": int(mark)},
        "reward": lambda mark: {"reward": int(mark)},
        "orcid": lambda _: {"orcid": orcid(number)},
    }  # fmt: skip


_FIGURES = ("price", "budget", "reward")


def plant(secrets: Secrets, noun: str, tier: str) -> None:
    """Post a listing in which all that can be protected is marked, and takes this tier."""
    values: dict[str, Any] = {}
    rank = TIERS.index(tier)
    for name in FIELDS[noun]:
        number = len(secrets.marks) + 1
        mine = 4 if (noun, name) == ("expert", "contact") else rank
        if name == "organisation":
            poster = secrets.runtime
            mark = word(number)
            person = add_member(poster, name_zh=f"保密{mark}", name_en=f"Hidden {mark}")
            secrets.owner = Caller(secrets.owner.client, person)
        else:
            mark = (
                orcid(number)
                if name == "orcid"
                else str(7_310_000_000 + number)
                if name in _FIGURES
                else word(number)
            )
            values |= _shapes(number)[name](mark)
        secrets.marks.append(Mark(noun, name, mine, mark))
    tiers = {name: tier for name in FIELDS[noun] if (noun, name) != ("expert", "contact")}
    answer = secrets.owner.post(f"{noun}s", payload(noun, submit=True, tiers=tiers, **values))
    assert answer.status_code == 201, answer.text
    secrets.listings[noun, tier] = dict(answer.json)


def filled(runtime: Runtime, client: Any, drain: Callable[[], int]) -> Iterator[Secrets]:
    """The exchange, with somebody of each level, and others whose listings match what is hidden."""
    verified = add_organisation(runtime, verification="verified")
    readers = {
        0: Caller(client),
        1: Caller(client, add_member(runtime)),
        2: Caller(client, add_person(runtime, verified)),
        3: Caller(client, add_person(runtime, verified)),
    }
    staff = Caller(client, add_person(runtime, roles=("reviewer",)))
    secrets = Secrets(runtime, Caller(client, add_member(runtime)), staff, readers)
    for noun in NOUNS:
        for tier in CLOSED:
            plant(secrets, noun, tier)
            _agree(secrets, noun, tier)
    for noun in NOUNS:
        secrets.others[noun] = Caller(client, add_member(runtime))
        made = secrets.others[noun].post(f"{noun}s", payload(noun, submit=True))
        secrets.listings[noun, "public"] = dict(made.json)
    drain()
    yield secrets


def _agree(secrets: Secrets, noun: str, tier: str) -> None:
    """Have the reader of the highest level ask, and the owner grant it."""
    reader = secrets.readers[3]
    asked = {"text": "评估合作", "consent": consent(reader)}
    made = reader.post(f"{noun}s/{secrets.listings[noun, tier]['id']}/access-requests", asked)
    if tier != "agreement":
        assert made.json["type"] == "/problems/nothing-protected"
        return
    assert made.status_code == 201, made.text
    granted = secrets.owner.post(f"access-requests/{made.json['id']}/actions/grant", {"text": "可以"})
    assert granted.status_code == 200, granted.text
