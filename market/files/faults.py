"""What comes out of a file: rows that passed their schema, and faults. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.messages import Message

MOST_ROWS, MOST_COLUMNS = 200_000, 300


@dataclass(frozen=True, slots=True)
class Row:
    """A row that has passed its schema, and where it begins in the file (from 1)."""

    line: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: a line (from 1; 0 is the whole file), a header or JSON pointer ("" is the row).

    `ends`: the file holds nothing, or cannot be read on.
    """

    line: int
    column: str
    message: Message
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """Stands in the place of a cell that holds nothing one can read."""

    message: Message


class Refused(Exception):
    """The file cannot be read, or not from `line` on."""

    def __init__(self, message: Message, line: int = 0) -> None:
        """Remember what to tell."""
        super().__init__(str(message))
        self.message, self.line = message, line

    @property
    def fault(self) -> Fault:
        """The same as a fault."""
        return Fault(self.line, "", self.message, ends=True)


def letter(index: int) -> str:
    """What a spreadsheet calls its column `index` (from 0): A, Z, AA."""
    name = ""
    while index >= 0:
        index, digit = divmod(index, 26)
        name, index = chr(65 + digit) + name, index - 1
    return name
