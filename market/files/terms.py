"""What people write for a code: the code, a label in either language, a short name of a place."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

from market.files import messages
from market.vocabulary import Term, vocabulary
from schemas.messages import Message

_SHORT, _NEAR = 14, 3  # a vocabulary that fits into a sentence; of a longer one that many are told

_Label = tuple[int, int]  # the place of a term, and which of its labels

_PLACES = re.compile("(?:特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|省|市|新区|区|县)$")


class NoTerm(Exception):
    """A text that means no code, or several; `message` tells which."""

    def __init__(self, message: Message) -> None:
        """Remember what to tell."""
        super().__init__(str(message))
        self.message = message


def folded(text: str) -> str:
    """A label without case, width and doubled space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def code_of(name: str, text: str) -> str:
    """The code of the vocabulary `name` that `text` writes; NoTerm where it is none, or may be several."""
    codes = codes_of(name, text)
    if len(codes) == 1:
        return codes[0]
    told = {"value": repr(text[:64]), "vocabulary": Message(vocabulary(name).en, vocabulary(name).zh)}
    if not codes:
        raise NoTerm(messages.NO_TERM.format(**told, near=_near(name, text[:64])))
    raise NoTerm(messages.AMBIGUOUS.format(**told, codes=", ".join(codes[:5])))


def codes_of(name: str, text: str) -> tuple[str, ...]:
    """The codes that `text` may mean: usually one, none where it is no term."""
    return _written(name).get(text) or _written(name).get(folded(text)) or ()


@lru_cache(maxsize=4096)  # the same wrong word often fills a column
def _near(name: str, text: str) -> Message:
    """Labels to choose from: all of a short vocabulary, of a long one those that look most like it."""
    terms = [*vocabulary(name)]
    if len(terms) > _SHORT:
        terms = [terms[at] for at in _most_alike(name, _pairs(folded(text)))]
    return Message("; ".join(term.en for term in terms), "、".join(term.zh for term in terms))


def _most_alike(name: str, meant: frozenset[str]) -> list[int]:
    """The places of terms by Jaccard's similarity of the pairs of characters that stand side by side in a label."""
    sizes, holding = _pairs_of_labels(name)
    shared = Counter(at for pair in meant for at in holding.get(pair, ()))
    alike = {(at, which): both / (len(meant) + sizes[at, which] - both) for (at, which), both in shared.items()}
    best = sorted(alike, key=lambda label: (-alike[label], label))
    return [*dict.fromkeys([*(at for at, _ in best), *range(_NEAR)])][:_NEAR]


def _pairs(text: str) -> frozenset[str]:
    return frozenset(map("".join, pairwise(f" {text} ")))


@lru_cache(maxsize=64)
def _pairs_of_labels(name: str) -> tuple[Mapping[_Label, int], Mapping[str, Sequence[_Label]]]:
    """Of each label how many pairs it has; and by pair the labels that have it."""
    pairs = {
        (at, which): _pairs(folded(label))
        for at, term in enumerate(vocabulary(name))
        for which, label in enumerate((term.zh, term.en))
    }
    holding: dict[str, list[_Label]] = defaultdict(list)
    for label, its in pairs.items():
        for pair in its:
            holding[pair].append(label)
    return {label: len(its) for label, its in pairs.items()}, holding


@lru_cache(maxsize=64)
def _written(name: str) -> Mapping[str, tuple[str, ...]]:
    """Every way to write a term -> the codes it may mean. Codes go before labels, labels before short names, and
    these before what is only said for it."""
    known: dict[str, tuple[str, ...]] = {}
    for ways in (_codes, _labels, _shorter_provinces, _shorter, _shorthand):
        if name != "regions" and ways in (_shorter_provinces, _shorter):
            continue
        found: dict[str, tuple[str, ...]] = {}
        for term in vocabulary(name):
            for text in filter(None, map(folded, ways(name, term))):
                others = found.get(text, ())
                # A term that stands under another of the same name is meant by its code only.
                if term.code not in others and not set(others) & set(vocabulary(name).ancestors(term.code)):
                    found[text] = (*others, term.code)
        known = found | known
    return known


def _codes(_: str, term: Term) -> Iterator[str]:
    yield term.code


def _labels(_: str, term: Term) -> Iterator[str]:
    yield term.zh
    yield term.en


def _shorter_provinces(_: str, term: Term) -> Iterator[str]:
    if term.parent is None:
        yield _PLACES.sub("", term.zh)


def _shorthand(name: str, term: Term) -> Iterator[str]:
    """津, 申请中; of a place that our list has no code for, the province that it lies in: 深圳, 广东省深圳市."""
    texts, within = _shorthands().get((name, term.code), ((), ()))
    yield from texts
    for place in within:
        short = place.removesuffix("市")
        yield from (place, f"{short}市")
        for parent in (term.zh, _PLACES.sub("", term.zh)):
            for child in (short, f"{short}市"):
                yield from _below(parent, child)


@lru_cache(maxsize=1)
def _shorthands() -> Mapping[tuple[str, str], tuple[list[str], list[str]]]:
    """(vocabulary, code) -> what is said for it, and the places that lie within."""
    with (files("market.files") / "shorthand.tsv").open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, dialect="excel-tab", quoting=csv.QUOTE_NONE, strict=True)
        return {(row["vocabulary"], row["code"]): (_listed(row["texts"]), _listed(row["within"])) for row in rows}


def _listed(cell: str) -> list[str]:
    return cell.split("|") if cell else []


def _below(parent: str, child: str) -> Iterator[str]:
    yield from (f"{parent}{child}", f"{parent} {child}", f"{parent}-{child}", f"{parent}/{child}")


def _shorter(name: str, term: Term) -> Iterator[str]:
    """天津市滨海新区, 天津滨海, 河北唐山, Tangshan, Hebei."""
    short = _PLACES.sub("", term.zh)
    if len(short) > 1 and term.code.endswith("00"):  # many cities have a 和平区, of which we know one
        yield short
    if term.parent is not None:
        above = vocabulary(name).terms[term.parent]
        for parent in (above.zh, _PLACES.sub("", above.zh)):
            for child in (term.zh, short):
                yield from _below(parent, child)
        yield f"{term.en}, {above.en}"
        yield f"{above.en} {term.en}"
