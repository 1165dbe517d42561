"""Labelled sets of invented listings, laid out as docs/matching.md says."""

from __future__ import annotations

import json
from pathlib import Path

TOPICS = (
    "防腐涂层", "电池隔膜", "焊接机器人", "海水淡化", "卫星导航", "蛋白质纯化", "风电叶片", "污泥干化", "视觉检测",
    "超声探伤", "智能灌溉", "铝合金压铸",
)  # fmt: skip


def lay_out(folder: Path, task: str, *, demands: int = 24, offers: str = "outcome") -> Path:
    """A labelled set of invented demands and outcomes: what speaks of the demand's topic fits, and nothing else."""
    folder.mkdir()
    queries = [
        {"id": f"q{n}", "title": f"求{TOPICS[n % 12]}技术", "text": f"第{n}车间现有{TOPICS[(n + 5) % 12]}不足。"}
        for n in range(demands)
    ]
    corpus = [
        {"id": f"d{n}", "title": f"{topic}成套技术", "text": "已在三家企业应用。"} for n, topic in enumerate(TOPICS)
    ]
    pools = {f"q{n}": [(n + step) % 12 for step in (0, 1, 5, 7)] for n in range(demands)}
    grades = {(query, f"d{one}"): 3 if one == int(query[1:]) % 12 else 0 for query, of in pools.items() for one in of}
    write(folder, "task.json", json.dumps({"task": task, "query_kind": "demand", "doc_kind": offers}))
    write(folder, "queries.jsonl", *map(json.dumps, queries))
    write(folder, "corpus.jsonl", *map(json.dumps, corpus))
    write(folder, "pools.tsv", "query_id\tdoc_id", *(f"{query}\t{document}" for query, document in grades))
    labels = (f"{query}\t{document}\t{grade}" for (query, document), grade in grades.items())
    write(folder, "qrels.tsv", "query_id\tdoc_id\tscore", *labels)
    return folder


def lay_out_ratings(folder: Path) -> Path:
    """Experts with one work each, who rated papers: those of their own topic high."""
    folder.mkdir()
    papers = [
        {"id": f"p{n}", "title": f"{TOPICS[n % 12]}研究", "text": f"{TOPICS[n % 12]}的第{n}项。"} for n in range(24)
    ]
    ratings = {f"e{n}": {f"p{n % 12}": 5.0, f"p{(n + 3) % 12}": 1.0, f"p{(n + 4) % 12}": 2.0} for n in range(24)}
    write(folder, "task.json", json.dumps({"task": "expertise", "query_kind": "demand", "doc_kind": "expert"}))
    write(folder, "corpus.jsonl", *map(json.dumps, papers))
    works = {f"e{n}": [f"p{12 + n % 12}"] for n in range(24)}
    write(folder, "profiles.json", json.dumps({"one": works, "two": works}))
    write(folder, "ratings.json", json.dumps(ratings))
    pools = (f"{expert}\t{paper}" for expert, rated in ratings.items() for paper in rated)
    write(folder, "pools.tsv", "query_id\tdoc_id", *pools)
    return folder


def lay_out_experts(folder: Path) -> Path:
    """Topics that are typed, and experts with two works each, of which one speaks of the expert's topic."""
    folder.mkdir()
    works = [{"id": f"w{n}", "title": f"{TOPICS[n % 12]}研究", "text": f"第{n}篇。"} for n in range(24)]
    experts = [{"id": f"e{n}", "documents": [f"w{n}", f"w{12 + (n + 5) % 12}"]} for n in range(12)]
    write(folder, "task.json", json.dumps({"task": "retrieval", "query_kind": "topic", "doc_kind": "expert"}))
    write(folder, "queries.jsonl", *(json.dumps({"id": f"t{n}", "text": topic}) for n, topic in enumerate(TOPICS)))
    write(folder, "corpus.jsonl", *map(json.dumps, experts))
    write(folder, "documents.jsonl", *map(json.dumps, works))
    return folder


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
