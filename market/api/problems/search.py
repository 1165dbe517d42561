"""Problems with searches: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "meaning-not-compared": (
        409,
        "Meaning is not compared here",
        "此处不支持语义检索",
        "This installation has no embedder. Leave out `semantic` to search by words.",
        "本系统未配置向量模型。请去掉 semantic，按用词检索。",
    ),
    "search-keys-unsupported": (
        501,
        "No keys for browsers here",
        "此处不提供浏览器检索密钥",
        "This installation keeps no public search indexes. Use GET /api/v1/search instead.",
        "本系统未建立公开检索索引，请改用 GET /api/v1/search。",
    ),
    "embedder-unavailable": (
        503,
        "Meaning cannot be compared for the moment",
        "语义检索暂不可用",
        "Try again in a few seconds, or leave out `semantic` to search by words.",
        "请几秒后重试，或去掉 semantic，按用词检索。",
    ),
    "search-unavailable": (
        503,
        "The search is away for the moment",
        "检索暂不可用",
        "Writes are accepted meanwhile. Try again in a few seconds.",
        "期间仍可写入。请几秒后重试。",
    ),
}
