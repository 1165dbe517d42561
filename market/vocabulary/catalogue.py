"""The vocabularies of the marketplace, read once from the package's own files and never changed."""

import csv
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from market.vocabulary.terms import Term, Vocabulary

COLUMNS = ["code", "zh", "en", "parent"]

# The standards behind the longer lists: disciplines GB/T 13745-2009, industries GB/T 4754-2017,
# regions GB/T 2260, TRL after GB/T 22900.
TITLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "fields": ("高新技术领域", "High-tech fields"),
        "disciplines": ("学科分类", "Disciplines"),
        "industries": ("国民经济行业", "Industries"),
        "regions": ("行政区划", "Regions"),
        "trl": ("技术就绪度", "Technology readiness levels"),
        "outcome_kinds": ("成果形式", "Kinds of outcome"),
        "outcome_categories": ("成果类别", "Categories of outcome"),
        "funding_sources": ("经费来源", "Funding sources"),
        "ip_kinds": ("知识产权类型", "Kinds of intellectual property"),
        "ip_statuses": ("知识产权状态", "Statuses of intellectual property"),
        "cooperation_modes": ("合作方式", "Cooperation modes"),
        "expert_cooperation": ("专家合作方式", "An expert's kinds of cooperation"),
        "contract_kinds": ("技术合同类型", "Kinds of technology contract"),
        "professional_titles": ("职称", "Professional titles"),
        "degrees": ("学位", "Degrees"),
        "availabilities": ("承接能力", "Availabilities"),
        "work_kinds": ("成果作品类型", "Kinds of work"),
        "organisation_kinds": ("机构类型", "Kinds of organisation"),
        "indicator_directions": ("指标方向", "Directions of an indicator"),
        "region_rules": ("地区要求", "Region rules"),
        "listing_states": ("发布状态", "States of a listing"),
        "demand_progress": ("需求进展", "Progress of a demand"),
        "match_states": ("匹配状态", "States of a match"),
        "dismissal_reasons": ("忽略原因", "Reasons to dismiss a match"),
        "rejection_reasons": ("退回原因", "Reasons to reject a listing"),
        "roles": ("角色", "Roles"),
        "languages": ("语言", "Languages"),
        "notification_kinds": ("通知类型", "Kinds of notification"),
        "channels": ("通知渠道", "Channels"),
        "rhythms": ("通知频率", "Rhythms"),
        "delivery_states": ("投递状态", "States of a delivery"),
        "endpoint_reasons": ("接收端停用原因", "Reasons an endpoint is disabled"),
        "scopes": ("密钥权限范围", "Scopes of a key"),
        "tiers": ("披露层级", "Disclosure tiers"),
        "access_states": ("查阅申请状态", "States of an access request"),
        "review_decisions": ("审核结论", "Decisions of a review"),
        "report_kinds": ("举报类型", "Kinds of report"),
        "report_verdicts": ("举报处理结果", "Verdicts on a report"),
        "custody": ("认领状态", "Custody of a record"),
        "claim_evidence": ("认领依据", "Evidence of a claim"),
        "claim_states": ("认领申请状态", "States of a claim"),
        "import_states": ("导入状态", "States of an import"),
        "verification_states": ("认证状态", "States of a verification"),
    }
)


def read_terms(name: str) -> dict[str, Term]:
    """The terms of data/<name>.tsv in file order; ValueError for other columns or a repeated code."""
    terms: dict[str, Term] = {}
    source = files("market.vocabulary") / "data" / f"{name}.tsv"
    with source.open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, dialect="excel-tab", quoting=csv.QUOTE_NONE, strict=True)
        if rows.fieldnames != COLUMNS:
            raise ValueError(f"{name}.tsv must have the columns {COLUMNS}, not {rows.fieldnames}")
        for row in rows:
            term = Term(row["code"], row["zh"], row["en"], row["parent"] or None)
            if term.code in terms:
                raise ValueError(f"{name}.tsv has {term.code} twice")
            terms[term.code] = term
    return terms


VOCABULARIES: Mapping[str, Vocabulary] = MappingProxyType(
    {name: Vocabulary(name, zh, en, read_terms(name)) for name, (zh, en) in TITLES.items()}
)


def vocabulary(name: str) -> Vocabulary:
    """The vocabulary called `name`; KeyError if there is none."""
    return VOCABULARIES[name]
