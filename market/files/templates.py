"""Empty files to be filled in: header, what each column takes, one example that can be imported as it is."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import xlsxwriter

from market.files.cells import guarded, written
from market.files.columns import KINDS, Column, columns_of
from market.files.protected import named, protectable
from market.vocabulary import vocabulary

# A list to choose from may take 255 characters in all.
_LONGEST_CHOICE = 255
_ROWS = 2000

_FORMS: Mapping[str, tuple[str, str]] = {
    "text": ("文本", "Text"),
    "code": ("下列名称或代码之一", "One of the labels or codes below"),
    "codes": ("下列名称或代码，用分号分隔", "Labels or codes as below, parted by semicolons"),
    "words": ("若干词语，用分号分隔", "Words, parted by semicolons"),
    "trl": ("1 至 9 级，或 TRL 6、中试等", "1 to 9, or TRL 6, pilot"),
    "money": ("人民币元，如 1800000、180万；面议", "CNY, like 1800000 or 1.8 million; negotiable"),
    "yes": ("是 或 否", "yes or no"),
    "date": ("日期，如 2030-09-30", "A date like 2030-09-30"),
    "indicators": (
        "名称 ≥ 数值 单位，用分号分隔；区间写作 = 3~5",
        "Name ≥ value unit, parted by semicolons; a range is = 3~5",
    ),
    "rights": ("类型:号码，用分号分隔", "Kind:number, parted by semicolons"),
    "works": ("每行一项：标题 | 年份 | 标识 | 类型", "A line each: title | year | identifier | kind"),
    "tiers": (
        "不对所有人公开的字段：字段:层级，用分号分隔。可设置的字段：",
        "What not everybody may see: field:tier, parted by semicolons. Fields that can be protected: ",
    ),
}

_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "outcomes": {
        "key": "EXAMPLE-1",
        "title_zh": "示例：海洋平台长效防腐涂层",
        "title_en": "Example: long-life coating for platforms",
        "summary_zh": "用于海洋平台钢结构的石墨烯改性环氧涂层。",
        "summary_en": "An epoxy coating with graphene.",
        "inventors": ["张三", "李四"],
        "field": "new_materials",
        "disciplines": ["430"],
        "industries": ["C26"],
        "ipc": ["C09D5/08"],
        "keywords": ["防腐涂层", "石墨烯"],
        "kind": "new_material",
        "category": "applied_technology",
        "funding_source": "in_house",
        "trl": 6,
        "ip_status": "granted",
        "ip_rights": [{"kind": "invention_patent", "number": "ZL202110000000.0"}],
        "cooperation_modes": ["licence", "joint_development"],
        "price": 1_800_000,
        "price_negotiable": True,
        "indicators": [
            {"name": "耐盐雾时间", "direction": "at_least", "value": 4000, "unit": "h"},
            {"name": "厚度", "direction": "between", "value": 80, "value_to": 120, "unit": "μm"},
        ],
        "region": "120000",
        "valid_until": "2030-09-30",
        "contact_name": "王五",
        "contact_email": "wang@example.org",
        "tiers": {"price": "verified", "contact": "registered"},
    },
    "experts": {
        "key": "EXAMPLE-1",
        "name_zh": "示例：张三",
        "name_en": "Example: Zhang San",
        "professional_title": "professor",
        "position": "研究室主任",
        "degree": "doctor",
        "directions_zh": "海洋防腐涂层，石墨烯改性",
        "field": "new_materials",
        "disciplines": ["430"],
        "keywords": ["防腐涂层", "石墨烯"],
        "works": [{"title": "海洋防腐涂层研究", "year": 2023, "identifier": "10.1000/xyz123", "kind": "paper"}],
        "regions_served": ["120000", "130000"],
        "cooperation": ["diagnosis", "consulting"],
        "availability": "available",
        "valid_until": "2030-09-30",
        "contact_email": "zhang@example.org",
        "tiers": {"works": "registered"},
    },
    "demands": {
        "key": "EXAMPLE-1",
        "title_zh": "示例：海上风电塔筒防腐",
        "title_en": "Example: coating of offshore towers",
        "problem_zh": "现有涂层在浪溅区三年即起泡，需要寿命更长的方案。",
        "field": "new_materials",
        "industries": ["C26"],
        "keywords": ["防腐", "海上风电"],
        "cooperation_modes": ["commissioned_development"],
        "indicators": [{"name": "耐盐雾时间", "direction": "at_least", "value": 6000, "unit": "h"}],
        "trl_from": 5,
        "trl_to": 8,
        "budget_from": 500_000,
        "budget_to": 800_000,
        "budget_negotiable": False,
        "reward": 50_000,
        "region": "120000",
        "region_rule": "preferred",
        "deadline": "2030-09-30",
        "organisation_masked": False,
        "contact_name": "王五",
        "tiers": {"problem": "agreement", "budget": "verified"},
    },
}


def template(kind: str, fmt: str, language: str) -> bytes:
    """A file for outcomes, experts or demands: csv, xlsx or ndjson, with headers and labels in zh or en.

    Its one example reads without faults. KeyError for a kind, ValueError for a format that there is not.
    """
    columns = [column for column in columns_of(kind) if column.written]
    example = _EXAMPLES[kind]
    if fmt == "ndjson":
        return orjson.dumps(example, option=orjson.OPT_APPEND_NEWLINE)
    cells = [written(column, example.get(column.name), language=language) for column in columns]
    headers = [column.header(language) for column in columns]
    if fmt == "csv":
        text = io.StringIO()
        csv.writer(text).writerows([headers, [guarded(cell) if isinstance(cell, str) else cell for cell in cells]])
        return codecs.BOM_UTF8 + text.getvalue().encode()
    if fmt == "xlsx":
        return _workbook(kind, columns, headers, cells, language)
    raise ValueError(f"there is no template in {fmt}")


def _workbook(kind: str, columns: list[Column], headers: list[str], cells: list[str | int], language: str) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet(KINDS[kind] if language == "zh" else kind)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(headers) - 1, 18)
        for index, (column, header, cell) in enumerate(zip(columns, headers, cells, strict=True)):
            sheet.write_string(0, index, header, bold)
            if isinstance(cell, int):
                sheet.write_number(1, index, cell)
            elif cell:
                sheet.write_string(1, index, guarded(cell))
            if choices := _choices(column, language):
                # What stands there may be written otherwise as well, so another entry is asked about, not refused.
                rule = {"validate": "list", "source": choices, "error_type": "warning"}
                sheet.data_validation(1, index, _ROWS, index, rule)
        help_sheet = book.add_worksheet("填写说明" if language == "zh" else "Help")
        help_sheet.set_column(0, 1, 24)
        help_sheet.set_column(2, 2, 60, wrapped)
        for number, line in enumerate(_help(columns, language)):
            for index, text in enumerate(line):
                help_sheet.write_string(number, index, text, bold if number == 0 else wrapped)
    return file.getvalue()


def _choices(column: Column, language: str) -> list[str]:
    """What a cell may be chosen from, where it is one of a few."""
    if column.form == "yes":
        return ["是", "否"] if language == "zh" else ["yes", "no"]
    if column.form == "trl":
        return [str(level) for level in range(1, 10)]
    if column.form != "code":
        return []
    labels = [str(written(column, term.code, language=language)) for term in vocabulary(column.of)]
    # The list is kept as one text, whose commas part it.
    fits = len(",".join(labels)) <= _LONGEST_CHOICE and not any("," in label for label in labels)
    return labels if fits else []


def _help(columns: list[Column], language: str) -> Iterator[tuple[str, ...]]:
    """What each column takes, and then the codes and labels of each vocabulary."""
    zh = language == "zh"
    yield ("列名", "字段", "填写内容") if zh else ("Column", "Field", "What it takes")
    for column in columns:
        takes = _FORMS[column.form][0 if zh else 1]
        if column.form == "tiers":
            takes += "; ".join(named(column.of, field, language) for field in protectable(column.of))
        needed = ("（必填）" if zh else " (required)") if column.name == "key" else ""
        lists = f"{'：' if zh else ': '}{_title(column.of, language)}" if column.form in ("code", "codes") else ""
        yield column.header(language), column.name, f"{takes}{lists}{needed}"
    used = dict.fromkeys(column.of for column in columns if column.form in ("code", "codes"))
    within = {"rights": "ip_kinds", "works": "work_kinds", "tiers": "tiers"}
    used |= dict.fromkeys(within[column.form] for column in columns if column.form in within)
    for name in used:
        yield ("", "", "")
        yield _title(name, language), ("代码" if zh else "Code"), ("名称" if zh else "Label")
        for term in vocabulary(name):
            yield "", term.code, f"{term.zh} / {term.en}"


def _title(name: str, language: str) -> str:
    return vocabulary(name).zh if language == "zh" else vocabulary(name).en
