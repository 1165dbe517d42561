"""Makes up listings: the same for the same seed, in words whose frequencies fall off as those of real texts do."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import orjson

from benchmarks import words
from benchmarks.sentences import DEMAND, OUTCOME_EN, OUTCOME_ZH, TITLES, Frame
from market.vocabulary import vocabulary

Item = TypeVar("Item")
Row = dict[str, Any]

SEED = 20_250_601
TOPICS = 60
_OWN_TOPIC = 0.6  # of a text's words are its topic's favourites; the rest are anybody's
_LENGTH = (150, 290, 420)  # characters of an outcome's texts: least, usual, most
_TAIL = 6_000  # names of makes, substances and grades that few listings mention
_LISTS = {
    "m": words.MATERIALS, "p": words.PROCESSES, "d": words.DEVICES, "q": words.PROPERTIES, "a": words.USES,
    "k": words.METHODS, "x": words.TROUBLES, "c": words.CLAIMS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each kind."""

    outcomes: int
    experts: int
    demands: int

    @property
    def all(self) -> int:
        """Listings of any kind."""
        return self.outcomes + self.experts + self.demands


CENTRE = Sizes(outcomes=8_575, experts=3_836, demands=21)


def sizes_of(listings: int) -> Sizes:
    """70 % outcomes, 1 % demands (at least 21, at most 2,000), the rest experts."""
    demands = min(2_000, max(21, listings // 100))
    outcomes = listings * 7 // 10
    return Sizes(outcomes, listings - outcomes - demands, demands)


class Ranked:
    """Draws by Zipf's law: the n-th item comes up as 1 / (n + 2)."""

    def __init__(self, items: Sequence[Any]) -> None:
        """`items`, the commonest first."""
        self._items = items
        self._sums = list(accumulate(1 / (rank + 2) for rank in range(len(items))))

    def draw(self, chance: float) -> Any:
        """The item for a number drawn from [0, 1)."""
        return self._items[min(bisect(self._sums, chance * self._sums[-1]), len(self._items) - 1)]


def _shuffled(items: Sequence[Item], seed: object) -> list[Item]:
    copied = list(items)
    random.Random(f"{SEED} {seed}").shuffle(copied)
    return copied


def _tail() -> list[words.Word]:
    """Coined names, formulas and grades; each reads the same in both languages."""
    dice = random.Random(f"{SEED} tail")
    names: dict[str, None] = {}
    while len(names) < _TAIL:
        form = dice.random()
        if form < 0.6:
            name = (dice.choice(words.ONSETS) + dice.choice(words.MIDDLES) + dice.choice(words.ENDS)).title()
        elif form < 0.85:
            name = "".join(
                f"{dice.choice(words.ELEMENTS)}{dice.choice(('', '2', '3', '4', '5', '12'))}" for _ in "abc"
            )
        else:
            name = f"{dice.choice('ABDGHKQTXYZ')}{dice.choice('CHJLMNRS')}{dice.randrange(10, 900)}"
        names[name] = None
    return [(name, name) for name in names]


class Writer:
    """Writes texts on one topic after another."""

    def __init__(self, seed: object) -> None:
        """`seed` tells the run of texts; what the topics are is the same for all."""
        self.dice = random.Random(f"{SEED} texts {seed}")
        labels = [(term.zh, term.en) for term in vocabulary("disciplines")]
        lists: dict[str, Sequence[words.Word]] = {**_LISTS, "t": _tail(), "s": labels}
        self._common = {slot: Ranked(_shuffled(items, slot)) for slot, items in lists.items()}
        self._own = [
            {slot: Ranked(_shuffled(items, f"{slot} {topic}")) for slot, items in lists.items()}
            for topic in range(TOPICS)
        ]

    def start(self, topic: int) -> Draft:
        """A new listing's words."""
        return Draft(self.dice, self._own[topic], self._common)


class Draft:
    """The words of one listing: each slot keeps to few words, as a text on one thing does."""

    def __init__(self, dice: random.Random, own: dict[str, Ranked], common: dict[str, Ranked]) -> None:
        """Draws by `dice` from the topic's `own` words and the `common` ones."""
        self._dice, self._own, self._common = dice, own, common
        self.used: dict[str, list[words.Word]] = {}

    def word(self, slot: str) -> words.Word:
        """A word for the slot, often one used before."""
        used = self.used.setdefault(slot, [])
        if used and self._dice.random() < 0.4:
            return self._dice.choice(used)
        source = self._own if self._dice.random() < _OWN_TOPIC else self._common
        word: words.Word = source[slot].draw(self._dice.random())
        used.append(word)
        return word

    def fill(self, frames: Sequence[Frame], language: int, most: int) -> str:
        """Sentences of at most about `most` characters, each frame once; 0 is Chinese and 1 English."""
        text = ""
        for frame in self._dice.sample(frames, len(frames)):
            if len(text) >= most:
                break
            text += self.sentence(frame, language)
        return text.strip()

    def sentence(self, frame: Frame, language: int) -> str:
        """The frame with its slots filled."""
        parts = []
        for literal, slot in frame:
            parts.append(literal)
            if slot == "n":
                parts.append(f"{self._dice.choice((self._dice.randrange(2, 1000), self._dice.random() * 20)):.3g}")
            elif slot == "u":
                parts.append(self._dice.choice(words.UNITS))
            elif slot:
                parts.append(self.word(slot)[language])
        return "".join(parts)

    def keywords(self, languages: Sequence[int], slots: str = "mpdakt") -> list[str]:
        """Up to six of the words used."""
        found = dict.fromkeys(
            self._dice.choice(self.used[slot])[language]
            for slot in slots
            if slot in self.used
            for language in languages
        )
        return [*found][:6]


class Corpus:
    """Rows of the load format for so many listings."""

    def __init__(self, sizes: Sizes, *, seed: object = "main") -> None:
        """Another `seed` gives other listings of the same make."""
        self.sizes = sizes
        self.organisations = max(10, min(500, sizes.all // 40))
        self._seed = seed
        self._writer = Writer(seed)
        self._dice = self._writer.dice
        self._codes = {
            name: vocabulary(name).codes
            for name in ("fields", "outcome_kinds", "outcome_categories", "funding_sources", "cooperation_modes",
                         "ip_statuses", "professional_titles", "degrees", "expert_cooperation", "organisation_kinds")
        }  # fmt: skip
        self._provinces = [term.code for term in vocabulary("regions") if term.parent is None]
        self._industries = [term.code for term in vocabulary("industries") if term.parent]
        self._disciplines = [term.code for term in vocabulary("disciplines") if term.parent]

    def write(self, folder: Path, *, tick: Callable[[int], None] = lambda _: None) -> None:
        """Every file of the load format."""
        folder.mkdir(parents=True, exist_ok=True)
        makers: dict[str, tuple[int, Callable[[int], Row]]] = {
            "organisations": (self.organisations, self.organisation),
            "users": (self.organisations, self.user),
            "outcomes": (self.sizes.outcomes, self.outcome),
            "experts": (self.sizes.experts, self.expert),
            "demands": (self.sizes.demands, self.demand),
        }
        for name, (count, make) in makers.items():
            with (folder / f"{name}.ndjson").open("wb") as file:
                for number in range(count):
                    file.write(orjson.dumps(make(number)) + b"\n")
                    if number % 1000 == 999:
                        tick(1000)

    def organisation(self, number: int) -> Row:
        """An organisation; all are trusted, so that what is posted is published."""
        return {
            "key": f"org-{number}",
            "name_zh": f"{self._dice.choice(words.GIVEN)}技术研究院{number}",
            "name_en": f"Institute {number}",
            "kind": self._dice.choice(self._codes["organisation_kinds"]),
            "region": self._dice.choice(self._provinces),
            "trusted": True,
        }

    def user(self, number: int) -> Row:
        """A member of each organisation."""
        return {"key": f"user-{number}", "email": f"user{number}@org-{number}.example", "name": self._person(),
                "language": "zh", "roles": ["member"], "organisation": f"org-{number}"}  # fmt: skip

    def outcome(self, number: int) -> Row:
        """An outcome of ~330 characters: six in ten Chinese, a quarter in both languages, the rest English."""
        topic, draft = self._begin()
        chance = self._dice.random()
        languages = (0,) if chance < 0.6 else (0, 1) if chance < 0.85 else (1,)
        length = round(self._dice.triangular(*(_LENGTH[0], _LENGTH[2], _LENGTH[1]))) // len(languages)
        row: Row = {
            **self._common(f"outcome-{number}", topic),
            "price": self._price(),
            "trl": self._dice.randint(2, 9),
        }
        for language in languages:
            code, frames = ("zh", OUTCOME_ZH) if language == 0 else ("en", OUTCOME_EN)
            title = draft.sentence(self._dice.choice(TITLES[language]), language)
            summary = draft.fill(frames, language, length // 6)
            rest = max(40, length - len(title) - len(summary))
            row |= {
                f"title_{code}": title, f"summary_{code}": summary,
                f"description_{code}": draft.fill(frames, language, rest),
            }  # fmt: skip
        return row | {
            "keywords": draft.keywords(languages),
            "owners": [f"{self._dice.choice(words.GIVEN)}研究所"],
            "inventors": [*{self._person(): None, self._person(): None}],
            "kind": self._dice.choice(self._codes["outcome_kinds"]),
            "category": self._dice.choice(self._codes["outcome_categories"]),
            "funding_source": self._dice.choice(self._codes["funding_sources"]),
            "ip_status": self._dice.choice(self._codes["ip_statuses"]),
            "cooperation_modes": self._some("cooperation_modes"),
            "industries": [self._industries[topic * 7 % len(self._industries)]],
            "region": self._dice.choice(self._provinces[:8]),
            "indicators": [self._indicator(draft)],
        }

    def expert(self, number: int) -> Row:
        """An expert with three works."""
        topic, draft = self._begin()
        works = [
            {
                "kind": "paper" if turn else "patent",
                "title": draft.sentence(self._dice.choice(TITLES[turn % 2]), turn % 2),
                "abstract": draft.fill((OUTCOME_ZH, OUTCOME_EN)[turn % 2], turn % 2, 90),
                "year": self._dice.randint(2012, 2025),
            }
            for turn in range(3)
        ]
        return {
            **self._common(f"expert-{number}", topic),
            "name_zh": self._person(),
            "professional_title": self._dice.choice(self._codes["professional_titles"]),
            "degree": self._dice.choice(self._codes["degrees"]),
            "directions_zh": "，".join(draft.word(slot)[0] for slot in "mpkk"),
            "biography_zh": draft.fill(OUTCOME_ZH, 0, 100),
            "keywords": draft.keywords((0, 1))[:5],
            "works": works,
            "regions_served": self._dice.sample(self._provinces, 3),
            "cooperation": self._some("expert_cooperation"),
            "availability": "available",
            "consented": True,
        }

    def demand(self, number: int) -> Row:
        """A demand of 200 characters in Chinese; a quarter has an English title too."""
        topic, draft = self._begin()
        low = self._price()
        row: Row = {
            **self._common(f"demand-{number}", topic),
            "title_zh": draft.sentence(self._dice.choice(TITLES[0]), 0),
            "problem_zh": draft.fill(DEMAND, 0, 170)[:200],
            "industries": [self._industries[topic * 7 % len(self._industries)]],
            "cooperation_modes": self._some("cooperation_modes"),
            "budget_from": low, "budget_to": low * 2, "trl_from": 5, "trl_to": 9,
            "region": self._dice.choice(self._provinces[:8]), "region_rule": "preferred",
            "indicators": [self._indicator(draft)],
            "deadline": "2030-12-31",
        }  # fmt: skip
        if self._dice.random() < 0.25:
            row["title_en"] = draft.sentence(self._dice.choice(TITLES[1]), 1)
        return row | {"keywords": draft.keywords((0,))}

    def bodies(self, count: int) -> Iterator[Row]:
        """Outcomes as the API takes them, submitted at once."""
        for number in range(count):
            row = self.outcome(number)
            del row["key"], row["organisation"]
            yield row | {"submit": True}

    def _begin(self) -> tuple[int, Draft]:
        topic = int(TOPICS * self._dice.random() ** 1.5)  # some topics are fashionable
        return topic, self._writer.start(topic)

    def _common(self, key: str, topic: int) -> Row:
        fields, others = self._codes["fields"], self._disciplines
        return {
            "key": key if self._seed == "main" else f"{self._seed}-{key}",
            "organisation": f"org-{self._dice.randrange(self.organisations)}",
            "field": fields[topic % len(fields)],
            "disciplines": [*{others[topic * 9 % len(others)]: None, self._dice.choice(others): None}],
        }

    def _indicator(self, draft: Draft) -> Row:
        return {"name": draft.word("q")[0], "direction": self._dice.choice(("at_least", "at_most")),
                "value": round(self._dice.random() * 500, 1), "unit": self._dice.choice(words.UNITS)}  # fmt: skip

    def _some(self, name: str) -> list[str]:
        return self._dice.sample(self._codes[name], self._dice.randint(1, 3))

    def _price(self) -> int:
        return int(10 ** self._dice.uniform(4, 7.5) // 1000 * 1000)

    def _person(self) -> str:
        return self._dice.choice(words.SURNAMES) + self._dice.choice(words.GIVEN)
