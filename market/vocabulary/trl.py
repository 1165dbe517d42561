"""From the words people use for a stage of development to a technology readiness level, 1 to 9."""

import re
import unicodedata

# Levels after GB/T 22900. A range of levels is entered by its usual middle: a pilot run is 6. The five
# English phrases from "concept" to "on the market" are the stages of Enterprise Europe Network profiles.
STAGES: dict[str, int] = {
    "基础研究": 1,
    "概念": 2,
    "concept": 2,
    "概念验证": 3,
    "原理验证": 3,
    "proof of concept": 3,
    "研发中": 3,
    "研发": 3,
    "under development": 3,
    "实验室": 4,
    "小试": 4,
    "lab": 4,
    "laboratory": 4,
    "lab tested": 4,
    "中试": 6,
    "pilot": 6,
    "样机": 6,
    "prototype": 6,
    "available for demonstration": 7,
    "试生产": 8,
    "小批量": 8,
    "小批量生产": 8,
    "small batch": 8,
    "大规模": 9,
    "规模化": 9,
    "规模化生产": 9,
    "量产": 9,
    "批量生产": 9,
    "工业化": 9,
    "产业化": 9,
    "已产业化": 9,
    "large scale": 9,
    "already on the market": 9,
    "on the market": 9,
}

LEVEL = re.compile(r"(?:trl ?|第 ?)?([1-9]) ?级?")


def trl_from_stage(word: str) -> int | None:
    """The level for a stage word in Chinese or English, or for a level as written ("TRL 6", "6级").

    Full-width letters, capitals, hyphens, surrounding space and a final 阶段 or "stage" make no
    difference. None for anything else: the caller asks, it does not guess.
    """
    spaced = re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", word).casefold())
    stage = spaced.strip().removesuffix("阶段").removesuffix(" stage").strip()
    written = LEVEL.fullmatch(stage)
    return int(written[1]) if written else STAGES.get(stage)
