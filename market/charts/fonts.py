"""Fonts to draw with: of the installed ones one that has Chinese, else one for Latin letters, else Pillow's own."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont
from PIL.ImageFont import ImageFont as BitmapFont

_FOLDERS = {
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts",),
}
# The best first, by how a file's name begins.
_CHINESE = (
    "NotoSansCJK-Regular", "NotoSansCJKsc-Regular", "NotoSansSC", "SourceHanSansSC-Regular", "SourceHanSansCN-Reg",
    "SourceHanSans", "PingFang", "Hiragino Sans GB", "msyh", "STHeiti", "sarasa", "wqy-microhei", "wqy-zenhei",
    "NotoSansCJK", "NotoSerifCJK", "simhei", "simsun", "Deng", "DroidSansFallback", "uming", "ukai",
)  # fmt: skip
_LATIN = ("NotoSans-Regular", "DejaVuSans.", "LiberationSans-Regular", "Helvetica", "arial", "Arial")
_ENDINGS = {".ttf", ".ttc", ".otf", ".otc"}

Font = FreeTypeFont | BitmapFont


def chinese() -> bool:
    """Whether there is an installed font that has Chinese. Looked for once in a process."""
    return _installed_chinese() is not None


@lru_cache(maxsize=64)
def of_size(size: int) -> Font:
    """The best font there is, in pixels."""
    path = _installed_chinese() or next(_files(_LATIN, "aé"), None)
    return _opened(path, size) if path else ImageFont.load_default(size)


@lru_cache(maxsize=1)
def _installed_chinese() -> Path | None:
    return next(_files(_CHINESE, "桥a津"), None)


def _files(names: tuple[str, ...], sample: str) -> Iterator[Path]:
    """Installed fonts whose files are so named, the best first, that have these characters."""
    folders = [Path(one).expanduser() for one in _FOLDERS.get(sys.platform, ())]
    files = sorted(one for folder in folders for one in folder.rglob("*") if one.suffix.lower() in _ENDINGS)
    for name in names:
        for path in files:
            if path.name.startswith(name) and _opens(path, sample):
                yield path


def _opens(path: Path, sample: str) -> bool:
    try:
        font = _opened(path, 20)
    except OSError:
        return False
    return all(has(font, one) for one in sample)


def _opened(path: Path, size: int) -> Font:
    # One character after the other: labels need no more, and Raqm, the other way, fails on some texts.
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def has(font: Font, character: str) -> bool:
    """Whether it draws this character, and not the box that stands for any it does not have."""
    return character.isspace() or _shape(font, character) != _shape(font, "\uffff")


def _shape(font: Font, character: str) -> tuple[object, ...]:
    mask = font.getmask(character)
    return (mask.size, bytes(mask))


@lru_cache(maxsize=4096)
def _replacement(character: str) -> str:
    """The character, or what stands for it in the present font."""
    if not character.isprintable():
        return " "
    font = of_size(20)
    plain = {"–": "-", "—": "-", "…": "...", "·": "-", "“": '"', "”": '"'}.get(character, "")
    bare = "".join(one for one in unicodedata.normalize("NFKD", character) if not unicodedata.combining(one))
    return next((one for one in (character, plain, bare) if one and all(has(font, each) for each in one)), "?")


def drawable(text: str) -> str:
    """The text in characters that the font has: without accents, or a question mark, where it has no others."""
    return "".join(map(_replacement, text))
