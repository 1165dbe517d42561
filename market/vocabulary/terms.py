"""The shape of a vocabulary: coded terms with two labels, perhaps in a tree. Knows nothing of files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Term:
    """One value: `code` is stored and never changes, the labels are only shown."""

    code: str
    zh: str
    en: str
    parent: str | None = None

    def label(self, language: str) -> str:
        """The label in "zh" or "en"; raises ValueError for any other language."""
        if language == "zh":
            return self.zh
        if language == "en":
            return self.en
        raise ValueError(f"labels are in zh and en, not in {language!r}")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """A closed list of terms in the order in which people should see them; compared by identity.

    `zh` and `en` name the vocabulary itself. `terms` is copied, and must not contain a parent that is
    missing or listed after its child (ValueError), so the tree has no loops.
    """

    name: str
    zh: str
    en: str
    terms: Mapping[str, Term]

    def __post_init__(self) -> None:
        above: set[str] = set()
        for code, term in self.terms.items():
            if code != term.code:
                raise ValueError(f"{self.name}: {term.code} is filed under {code}")
            if term.parent is not None and term.parent not in above:
                raise ValueError(f"{self.name}: {code} comes before its parent {term.parent}")
            above.add(code)
        object.__setattr__(self, "terms", MappingProxyType(dict(self.terms)))

    def __contains__(self, code: object) -> bool:
        return code in self.terms

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms.values())

    def __len__(self) -> int:
        return len(self.terms)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self.terms)

    def label(self, code: str, language: str) -> str:
        """The label of `code` in "zh" or "en"; KeyError for a code that is not in the vocabulary."""
        return self.terms[code].label(language)

    def ancestors(self, code: str) -> tuple[str, ...]:
        """`code` itself, then its parent, and so on to the top; KeyError for an unknown code."""
        path = []
        above: str | None = code
        while above is not None:
            path.append(above)
            above = self.terms[above].parent
        return tuple(path)

    def nearness(self, a: str, b: str) -> float:
        """How near two codes are, from 0 (nothing in common) to 1 (the same); symmetric.

        The measure of Wu and Palmer (1994): 2 * depth(c) / (depth(a) + depth(b)), where c is the deepest
        ancestor that both share and a top-level term has depth 1. So siblings on the second level get
        1/2, a term and its parent 2/3. A code outside the vocabulary is near nothing, not even itself:
        an old record with a retired code must not stop a matching run.
        """
        if a not in self.terms or b not in self.terms:
            return 0.0
        above_a, above_b = self.ancestors(a), self.ancestors(b)
        shared = len(set(above_a) & set(above_b))
        return 2 * shared / (len(above_a) + len(above_b))
