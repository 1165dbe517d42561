"""Workbooks: which sheet, which cells, dates of every kind, formulas, merged cells, errors."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
import xlsxwriter

from market.files.faults import MOST_ROWS, Row
from market.files.reading import count
from tests.files.corpus import HEADER, faults, found, rows, sheet, simple, told, workbook

FILE = "file.xlsx"
DAY = 47_756  # 30 September 2030, counted from 1900


def formula(place: str, value: str) -> str:
    return f'<c r="{place}"><f>1+1</f>{value}</c>'


def test_a_workbook_of_a_common_library_is_read() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page, day = book.add_worksheet(), book.add_format({"num_format": "yyyy年m月d日"})
        page.write_row(0, 0, [*HEADER, "价格面议"])
        page.write_row(1, 0, [1001, "海洋涂层", "TRL 6", 180.0])
        page.write_datetime(1, 4, date(2030, 9, 30), day)
        page.write_boolean(1, 5, True)
        page.write_row(2, 0, ["o-2", "x"])
    first, second = found(file.getvalue(), FILE)
    assert first == Row(
        2,
        {
            "key": "1001",
            "title_zh": "海洋涂层",
            "trl": 6,
            "price": 180,
            "price_negotiable": True,
            "valid_until": date(2030, 9, 30),
        },
    )
    assert second == Row(3, {"key": "o-2", "title_zh": "x"})


@pytest.mark.parametrize(
    ("value", "shown_as_day", "epoch"),
    [
        (DAY, True, 1900),
        (DAY, False, 1900),
        (DAY + 0.5, True, 1900),
        (DAY - 1462, True, 1904),
        (DAY - 1462, False, 1904),
        (20_300_930, False, 1900),
        ("2030-09-30", False, 1900),
        ("2030/9/30", False, 1900),
        ("2030.9.30", False, 1900),
        ("2030年9月30日", False, 1900),
        ("2030 年 9 月 30 日", False, 1900),
        ("２０３０-０９-３０", False, 1900),
        ("20300930", False, 1900),
        ("2030-09-30 00:00:00", False, 1900),
        ("2030-09-30T08:00:00Z", False, 1900),
        ('<c r="E2" t="d"><v>2030-09-30T00:00:00</v></c>', False, 1900),
    ],
)
def test_dates_of_every_kind_are_the_same_day(value: Any, shown_as_day: bool, epoch: int) -> None:
    content = workbook(sheet([HEADER, ["o-1", "x", "", "", value]], dates=shown_as_day), epoch=epoch)
    assert [row["valid_until"] for row in rows(content, FILE)] == [date(2030, 9, 30)]


@pytest.mark.parametrize("value", ["2030-02-30", "30.9.2030", "soon", -5, "9/30/2030"])
def test_what_is_no_date_is_told_by_header_and_letter(value: Any) -> None:
    assert faults(simple(["o-1", "x", "", "", value]), FILE) == [(2, "有效期至 (E)")]


@pytest.mark.parametrize(
    ("code", "is_day"),
    [
        ("yyyy-mm-dd", True),
        ("d.m.yy", True),
        ('yyyy"年"m"月"', True),
        ('0.00"d"', False),
        ("[Red]0.0", False),
        ("h:mm", False),
    ],
)
def test_a_format_that_shows_a_day_makes_a_date_of_a_number(code: str, is_day: bool) -> None:
    content = workbook(
        sheet([["成果编号", "成果名称"], ['<c r="A2" t="str"><v>1</v></c>', DAY]], dates=True), code=code
    )
    assert [row["title_zh"] for row in rows(content, FILE)] == ["2030-09-30" if is_day else str(DAY)]


def test_of_a_formula_the_value_is_read_and_without_one_it_is_a_fault() -> None:
    line = ["o-1", formula("B2", ""), formula("C2", "<v>6</v>")]
    assert faults(simple(line), FILE) == [(2, "成果名称 (B)")]
    assert [row["trl"] for row in rows(simple(["o-1", "x", line[2]]), FILE)] == [6]


def test_cells_with_errors_are_told() -> None:
    content = simple(["o-1", "x", '<c r="C2" t="e"><v>#REF!</v></c>'])
    assert (faults(content, FILE), "#REF!" in told(content, FILE)[0]) == ([(2, "技术成熟度 (C)")], True)


def test_a_merged_range_is_told_in_each_of_its_rows() -> None:
    content = simple(["o-1", "x"], ["o-2", ""], ["o-3", "z"], merged=["B2:B3"])
    assert faults(content, FILE) == [(2, "成果名称 (B)"), (3, "成果名称 (B)")]
    assert "B2:B3" in told(content, FILE)[0]
    assert [row["key"] for row in rows(content, FILE)] == ["o-3"]


def test_merged_cells_of_a_title_and_empty_ones_do_not_matter() -> None:
    lines = [["成果信息表", "", ""], HEADER, ["o-1", "x", "", ""]]
    content = workbook(sheet(lines, merged=["A1:E1", "C3:D3", "A7:B9"]))
    assert [row["key"] for row in rows(content, FILE)] == ["o-1"]
    assert faults(content, FILE) == []


def test_the_line_is_the_row_that_a_person_sees() -> None:
    xml = sheet([HEADER, ["o-1", "x"], ["o-2", "y", 99]]).replace('r="3"', 'r="30"')
    assert faults(workbook(xml), FILE) == [(30, "技术成熟度 (C)")]


def test_rows_and_cells_without_places_follow_one_another() -> None:
    xml = sheet([HEADER, ["o-1", "x"]])
    for place in ("1", "2", *(f"{column}{row}" for column in "ABCDE" for row in "12")):
        xml = xml.replace(f' r="{place}"', "")
    assert rows(workbook(xml), FILE) == [{"key": "o-1", "title_zh": "x"}]


def test_shared_texts_leave_out_readings_and_join_their_runs() -> None:
    strings = '<si><r><t>海洋</t></r><r><t>涂层</t></r><rPh sb="0" eb="1"><t>hai</t></rPh></si>'
    content = workbook(sheet([["成果编号", "成果名称"], ["o-1", '<c r="B2" t="s"><v>0</v></c>']]), strings=strings)
    assert [row["title_zh"] for row in rows(content, FILE)] == ["海洋涂层"]


def test_parts_may_have_prefixes() -> None:
    xml = sheet([HEADER, ["o-1", "x", 6]]).replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?")
    assert [row["trl"] for row in rows(workbook(xml.replace("xmlns=", "xmlns:x=")), FILE)] == [6]


def test_the_sheet_named_like_the_kind_goes_first_and_hidden_ones_are_not_read() -> None:
    sheets = [sheet([HEADER, [name, "x"]]) for name in ("notes", "hidden", "named")]
    content = workbook(*sheets, names=["Notes", "Outcomes", "成果"], hidden=[2])
    assert [row["key"] for row in rows(content, FILE)] == ["named"]
    assert [row["key"] for row in rows(workbook(sheet([["Read me"]]), sheets[0]), FILE)] == ["notes"]


def test_a_workbook_without_our_headers_is_refused() -> None:
    assert faults(workbook(sheet([["a", "b"], [1, 2]])), FILE) == [(1, "")]


def test_digits_that_a_spreadsheet_has_lost_are_told() -> None:
    assert faults(simple([1234567890123456, "x"]), FILE) == [(2, "成果编号 (A)")]


def test_a_header_with_a_unit_counts_in_it() -> None:
    content = workbook(
        sheet([["编号", "名称", "价格（万元）"], ["1", "a", 180], ["2", "b", "200万"], ["3", "c", "面议"]])
    )
    assert [(row.get("price"), row.get("price_negotiable")) for row in rows(content, FILE)] == [
        (1_800_000, None), (2_000_000, None), (None, True),
    ]  # fmt: skip


def test_styled_cells_without_values_are_no_row() -> None:
    xml = sheet([HEADER, ["o-1", "x"]]).replace(
        "</sheetData>", '<row r="1048576"><c r="A1048576" s="1"/></row></sheetData>'
    )
    assert [type(one) for one in found(workbook(xml), FILE)] == [Row]


@pytest.mark.long
def test_more_rows_than_may_be_are_refused() -> None:
    content = simple(*([number] for number in range(MOST_ROWS + 5)))
    assert faults(content, FILE, start=MOST_ROWS + 1) == [(MOST_ROWS + 2, "")]


def test_reading_can_begin_after_a_row_and_rows_are_counted() -> None:
    content = simple(["o-1", "x"], ["o-2", "y"], ["o-3", "z"])
    assert [row["key"] for row in rows(content, FILE, start=3)] == ["o-3"]
    assert count(io.BytesIO(content), name=FILE) == 3
