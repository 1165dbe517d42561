"""Three outcomes that every engine is asked about, and short ways to put and ask."""

from __future__ import annotations

from search.engine import (
    AnyOf,
    Document,
    Engine,
    Query,
)

PUBLIC = AnyOf("readers", ("public",))

GRAPHENE: Document = {
    "id": "graphene",
    "version": 3,
    "title_zh": "石墨烯锂离子电池负极材料",
    "title_en": "Graphene anodes for lithium-ion batteries",
    "keywords_text": ["石墨烯", "负极材料", "energy storage"],
    "summary_zh": "本成果研制了一种高比容量的负极材料，循环寿命超过三千次。",
    "description_en": "The electrode keeps 92% of its capacity after 3,000 cycles (GB/T 36276).",
    "organisation_name": ["江南理工大学", "Jiangnan Institute of Technology"],
    "field": "new_materials",
    "disciplines": ["E", "E02", "E0203"],
    "region": ["320000", "320200"],
    "kind": "patent",
    "organisation": "org-1",
    "readers": ["public"],
    "state": "published",
    "trl": 6,
    "price": 800_000,
    "published_at": 1_700_000_300,
}
SENSOR: Document = {
    "id": "sensor",
    "version": 1,
    "title_zh": "用于水质监测的光纤传感器",
    "title_en": "Optical fibre sensor for water monitoring",
    "keywords_text": ["光纤", "水质监测"],
    "summary_zh": "可在线测量浊度，成本低，适合农村饮用水。使用 C++ 编写的网关。",
    "field": "environment",
    "disciplines": ["D", "D01"],
    "region": ["330000"],
    "kind": "prototype",
    "organisation": "org-2",
    "readers": ["public"],
    "state": "published",
    "trl": 4,
    "price": 200_000,
    "published_at": 1_700_000_200,
}
SECRET: Document = {
    "id": "secret",
    "version": 2,
    "title_zh": "未公开的电池隔膜工艺",
    "keywords_text": ["隔膜"],
    "field": "new_materials",
    "disciplines": ["E", "E02"],
    "kind": "know_how",
    "organisation": "org-1",
    "readers": ["organisation:org-1"],
    "state": "published",
    "trl": 8,
    "published_at": 1_700_000_100,
}
THREE = (GRAPHENE, SENSOR, SECRET)


def ids(engine: Engine, text: str = "", **rest: object) -> set[str]:
    """The ids of everything an outcomes query finds."""
    return {hit.id for hit in engine.search("outcomes", Query(text=text, limit=1000, **rest)).hits}  # type: ignore[arg-type]


def titled(*titles: str) -> list[Document]:
    """Outcomes o0, o1, ... with these Chinese titles."""
    return [{"id": f"o{i}", "version": 1, "title_zh": title} for i, title in enumerate(titles)]
