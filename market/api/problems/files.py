"""Problems with files: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "file-gone": (
        409,
        "The file is not kept any more",
        "文件已不再保留",
        "It was imported already, or is older than 24 hours. Upload it again.",
        "该文件已导入过，或已超过 24 小时，请重新上传。",
    ),
}
