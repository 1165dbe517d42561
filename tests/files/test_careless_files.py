"""Files as they come out of offices: what a spreadsheet spoiled, headers of two rows, totals, other encodings."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from market.files import days, messages
from market.files.cells import BadCell, reader
from market.files.columns import columns_of
from market.files.faults import Fault, Row
from market.files.money import budget
from market.files.reading import read
from market.files.terms import NoTerm, code_of
from market.files.texts import encoding_of
from market.vocabulary.trl import trl_from_stage
from schemas.messages import Message
from tests.files.corpus import HEADER, faults, found, rows, sheet, simple, table, told, workbook

FILE = "file.xlsx"
COLUMNS = {column.name: column for column in columns_of("outcomes")}


def said(content: bytes, name: str = "file.csv", kind: str = "outcomes") -> list[Message]:
    return [one.message for one in found(content, name, kind) if isinstance(one, Fault)]


def refused(name: str, cell: Any) -> Message:
    with pytest.raises(BadCell) as caught:
        reader(COLUMNS[name])(cell)
    return caught.value.message


@pytest.mark.parametrize("value", [2027, 2027.9, 202_709, 47_756.5, 19_999])
def test_a_number_that_is_not_plainly_a_day_is_no_date(value: float) -> None:
    assert said(simple(["o-1", "x", "", "", value]), FILE) == [messages.NO_DATE.format(value=f"{value:g}")]


def test_a_year_and_a_month_are_no_day_in_text_either() -> None:
    assert said(table("编号,有效期至", "1,2027.9", "2,2027", "3,2027年9月")) == [
        messages.NO_DATE.format(value=value) for value in ("2027.9", "2027", "2027年9月")
    ]


@pytest.mark.parametrize("text", ["1.23457E+17", "1E+17", "1.2e+20"])
def test_a_key_that_a_spreadsheet_shortened_names_nothing(text: str) -> None:
    assert said(table("编号,名称,所属单位,电话", f"{text},a,{text},{text}")) == [messages.DIGITS_LOST] * 3


def test_a_key_that_became_a_date_or_true_names_nothing() -> None:
    assert said(simple([True, "x"]), FILE) == [messages.MADE_YES]
    assert said(workbook(sheet([HEADER, [46_082, "x"]], dates=True)), FILE) == [messages.MADE_DAY]


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("0000", 12, "0012"), ("0000", 12_345, "12345"), ('"CG"0000', 12, "CG0012"), ('"CG-"0', 12, "CG-12"),
        ("0", 12, "12"), ("General", 12, "12"), ("0.00", 12, "12"), ("#,##0", 1200, "1200"),
    ],
)  # fmt: skip
def test_a_number_of_a_record_is_read_as_it_is_shown(code: str, value: int, shown: str) -> None:
    content = workbook(sheet([["成果编号", "成果名称"], [value, "x"]], dates=True), code=code)
    assert [row["key"] for row in rows(content, FILE)] == [shown]


def test_a_format_of_zeros_changes_no_other_figure() -> None:
    content = workbook(sheet([["编号", "技术成熟度", "价格"], ["1", 9, 120]], dates=True), code="0")
    padded = workbook(sheet([["编号", "技术成熟度", "价格"], ["1", 9, 120]], dates=True), code="00000")
    assert rows(content, FILE) == rows(padded, FILE) == [{"key": "1", "trl": 9, "price": 120}]


def test_of_a_figure_the_digits_count_that_a_spreadsheet_shows() -> None:
    content = workbook(sheet([["编号", "价格（万元）"], ["1", 0.1 + 0.2], ["2", 35.6 * 1.1]]))
    assert [row["price"] for row in rows(content, FILE)] == [3000, 391_600]


GROUPS = [
    ["成果编号", "成果名称", "联系方式", "", "知识产权"],
    ["", "", "联系人", "联系电话", ""],
    ["1", "a", "张三", "022-1"],
]


def test_a_header_of_two_merged_rows_is_one_fault_that_names_the_ranges() -> None:
    content = workbook(sheet([["汇总表"], *GROUPS, GROUPS[2]], merged=["A1:E1", "C2:D2", "B2:B3", "A2:A3"]))
    assert faults(content, FILE) == [(2, "")]
    assert rows(content, FILE) == []
    [message] = said(content, FILE)
    assert "请取消合并 A2:A3、B2:B3、C2:D2，" in message.zh
    assert "unmerge A2:A3, B2:B3, C2:D2, " in message


@pytest.mark.parametrize("merged", [["C1:D1"], ["A1:A2"]])
def test_one_range_is_enough_to_tell_two_rows(merged: list[str]) -> None:
    content = workbook(sheet(GROUPS, merged=merged))
    assert (faults(content, FILE), merged[0] in told(content, FILE)[0]) == ([(1, "")], True)


def test_a_header_of_two_rows_without_ranges_is_told_by_the_second_one() -> None:
    content = table("某市成果汇总,,,", *(",".join(line) for line in GROUPS))
    assert faults(content) == [(2, "")]
    [message] = said(content)
    assert "第 3 行" in message.zh
    assert "联系电话" in message.zh


def test_groups_above_the_header_and_high_headers_are_no_second_row() -> None:
    groups = [["基本信息", "", "联系方式", ""], ["编号", "名称", "联系人", "联系电话"], ["1", "a", "b", "c"]]
    assert [row["key"] for row in rows(workbook(sheet(groups, merged=["A1:B1", "C1:D1"])), FILE)] == ["1"]
    high = sheet([["编号", "名称"], ["", ""], ["1", "a"]], merged=["A1:A2", "B1:B2"])
    assert [row["key"] for row in rows(workbook(high), FILE)] == ["1"]
    assert [row["key"] for row in rows(table("编号,名称,", "1,a,名称", "2,b,"))] == ["2"]


def test_a_cell_under_no_header_says_what_to_do() -> None:
    [message] = said(table("编号,名称", "1,a,b"))
    assert ("header" in message, "填写列名" in message.zh) == (True, True)


@pytest.mark.parametrize(
    "key",
    ["合计", "合 计", "总计：", "小计", "Total", "SUM", "注：截至9月", "备注:略", "Note: as of May", "合计（2项）"],
)
def test_totals_and_notes_are_no_records(key: str) -> None:
    content = table("编号,名称", "1,a", f"{key},1")
    assert [row["key"] for row in rows(content)] == ["1"]
    assert said(content) == [messages.NO_RECORD]


@pytest.mark.parametrize("key", ["合计-1", "Total-1", "注册-1", "Sum1", "note-7", "总计划"])
def test_keys_that_only_begin_like_totals_are_keys(key: str) -> None:
    assert [row["key"] for row in rows(table("编号,名称", f"{key},a"))] == [key]


WESTERN = [
    "Überzug;Für Stahl", "Bauträger;Öl für Kälteanlagen", "étude;dégâts évités", "mañana;España",
    "função;São Paulo", "smørgås;Tromsø bær", "naïveté",
]  # fmt: skip


@pytest.mark.parametrize("text", WESTERN)
def test_letters_with_accents_are_not_taken_for_chinese(text: str) -> None:
    content = table("Outcome number;Title in English", "A0;Plain", f"A1;{text}", encoding="cp1252")
    assert faults(content) == [(3, "")]
    assert said(content) == [messages.NO_ENCODING]


def chinese(character: str) -> bool:
    return len(character.encode("gb18030")) == 2


# Words of two characters and more, rare ones too; single ones that are common, and Latin letters around them.
WORDS = st.text(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5).filter(chinese), min_size=2, max_size=8
) | st.sampled_from("型钛膜镉类氢碳锂硅铌")
LATIN = st.text(st.sampled_from("abnpxyzABNPXYZ 0-9.,"), max_size=5)


@given(st.lists(st.tuples(LATIN, WORDS), min_size=1, max_size=30), LATIN)
@example([("p", "型")], "GaN")
@example([("", "镕喆"), ("Zhu ", "镕镕")], "a")
def test_chinese_in_gb18030_is_never_refused(pieces: list[tuple[str, str]], end: str) -> None:
    content = "".join(f"{latin}{word}" for latin, word in pieces) + end
    assert encoding_of(io.BytesIO(content.encode("gb18030"))) in ("gb18030", "utf-8-sig")  # 联通 is UTF-8 as well


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_what_is_wrong_with_an_encoding_is_told_by_line_however_lines_end(end: str) -> None:
    lines = ["编号,名称", "1,海洋平台涂层", "2,电池材料回收", "3,钛合金打印"]
    mixed = b"".join((line + end).encode("gb18030" if line[0] == "3" else "utf-8") for line in lines)
    assert faults(mixed) == [(4, "")]
    broken = end.join(lines[:3]).encode("gb18030") + end.encode() + b"3,\xff\xff"
    assert faults(broken) == [(4, "")]
    assert faults(("\ufeff" + end.join(lines)).encode("utf-16-le") + end.encode("utf-16-le") + b"\0\xdc") == [(5, "")]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("regions", "京", "110000"), ("regions", "津", "120000"), ("regions", "广东深圳", "440000"),
        ("regions", "广东省深圳市", "440000"), ("regions", "苏州", "320000"), ("regions", "辽宁 朝阳", "210000"),
        ("regions", "吉林", "220000"), ("trl", "六级", "6"), ("cooperation_modes", "转让", "transfer"),
        ("ip_statuses", "申请中", "applied"),
    ],
)  # fmt: skip
def test_what_is_said_for_short_is_understood(name: str, text: str, code: str) -> None:
    assert code_of(name, text) == code


@pytest.mark.parametrize("text", ["宁", "朝阳", "京津冀", "广东和平", "市"])
def test_what_may_be_several_places_or_none_is_not_guessed_at(text: str) -> None:
    with pytest.raises(NoTerm):
        code_of("regions", text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.5", messages.WHOLE_YUAN), ("1,200.50元", messages.WHOLE_YUAN), (12.34, messages.WHOLE_YUAN),
        ("20万-50万", messages.ONE_AMOUNT), ("50万以上", messages.ONE_AMOUNT), ("约20万", messages.NO_AMOUNT),
        ("1.200.000,50", messages.NO_AMOUNT), (-5, messages.NO_AMOUNT),
    ],
)  # fmt: skip
def test_of_a_price_it_is_told_what_is_wrong(text: Any, why: Message) -> None:
    assert refused("price", text) == why.format(value=text)


@pytest.mark.parametrize("name", ["price", "trl", "valid_until", "keywords", "industries", "field", "indicators"])
@pytest.mark.parametrize("text", ["无", "暂无", " - ", "——", "/", "N/A", "None"])
def test_who_writes_that_there_is_nothing_leaves_the_field_empty(name: str, text: str) -> None:
    assert reader(COLUMNS[name])(text) is None


def test_where_nothing_is_a_term_or_a_no_or_a_text_it_is_read_as_such() -> None:
    assert reader(COLUMNS["ip_status"])("无") == "none"
    assert reader(COLUMNS["price_negotiable"])("无") is False
    assert reader(COLUMNS["title_zh"])("无") == "无"
    assert reader(COLUMNS["keywords"], words={"无": "通用"})("无") == ["通用"]


def test_that_a_field_is_disclosed_to_nobody_is_not_read_as_nothing_said() -> None:
    with pytest.raises(BadCell):
        reader(COLUMNS["tiers"])("无")


def test_a_slash_parts_codes_but_for_what_is_one_term() -> None:
    assert reader(COLUMNS["cooperation_modes"])("专利转让/技术入股") == ["transfer", "equity"]
    assert reader(COLUMNS["keywords"])("TCP/IP") == ["TCP/IP"]


@pytest.mark.parametrize(
    ("vocabulary", "text", "code"),
    [
        ("professional_titles", "高工", "senior_engineer"), ("professional_titles", "正高工", "principal_engineer"),
        ("professional_titles", "教授、博导", "professor"), ("degrees", "博士研究生", "doctor"),
        ("degrees", "本科", "bachelor"),
    ],
)  # fmt: skip
def test_titles_and_degrees_are_understood_as_people_write_them(vocabulary: str, text: str, code: str) -> None:
    assert code_of(vocabulary, text) == code


def test_a_long_text_is_shown_cut_and_on_one_line() -> None:
    told = refused("price", "面谈，\n" + "另行商定" * 20)
    assert told == messages.NO_AMOUNT.format(value="面谈， " + "另行商定" * 8 + "另行商…")


def test_a_last_day_that_is_past_is_worth_a_note() -> None:
    some = [Row(line, {"valid_until": date(2026, 5, day)} if day else {}) for line, day in ((2, 1), (3, 2), (4, 0))]
    assert [(one.line, one.column) for one in days.past(some, "valid_until", date(2026, 5, 2))] == [
        (2, "/valid_until")
    ]


@pytest.mark.parametrize(
    ("content", "ends"),
    [
        (table("编号,技术成熟度", "1,12"), False), (table("编号,Colour"), True), (table("甲,乙", "1,2"), True),
        (b'{"key": "1", "trl": 12}\n', False), (table("编号,名称", '1,"a'), True),
    ],
)  # fmt: skip
def test_a_fault_tells_whether_it_is_of_a_row_or_of_the_file(content: bytes, ends: bool) -> None:
    last = [*read("outcomes", io.BytesIO(content), name="a.csv")][-1]
    assert isinstance(last, Fault)
    assert last.ends is ends


@pytest.mark.parametrize("cell", [5_000_000, "5000000", "100,000", "￥ 5000000"])
def test_a_price_in_yuan_below_a_header_in_ten_thousands_is_asked_about(cell: int | str) -> None:
    content = workbook(sheet([["编号", "价格（万元）"], ["1", cell]]))
    [message] = said(content, FILE)
    assert message.zh.startswith("表头单位使该值达")
    assert "5000000元" in message


def test_an_amount_with_its_unit_is_read_below_any_header() -> None:
    cells = [99_999, "5000000元", "5000万", "0.5亿", "待定", "电议"]
    content = workbook(sheet([["编号", "价格（万元）"], *([f"{n}", cell] for n, cell in enumerate(cells))]))
    prices = [row.get("price") for row in rows(content, FILE)]
    assert prices == [999_990_000, 5_000_000, 50_000_000, 50_000_000, None, None]


@pytest.mark.parametrize(
    ("text", "ends"), [("<50万", (None, 500_000)), ("小于50万", (None, 500_000)), ("＞100万", (1_000_000, None))]
)
def test_a_budget_may_be_less_or_more_than_a_figure(text: str, ends: tuple[int | None, int | None]) -> None:
    assert budget(text) == ends


@pytest.mark.parametrize(
    ("word", "level"),
    [("第6级", 6), ("研发阶段", 3), ("试生产", 8), ("批量生产", 9), ("已产业化", 9), ("工业化阶段", 9)],
)
def test_the_words_of_offices_for_a_stage_are_levels(word: str, level: int) -> None:
    assert trl_from_stage(word) == level
