"""Tables as CSV: encodings, delimiters, quotes, headers, faults by line and column."""

from __future__ import annotations

import io
from datetime import date

import pytest

from market.files import terms
from market.files.faults import MOST_ROWS, Fault, Row
from market.files.reading import count, read
from schemas.messages import Message
from tests.files.corpus import HEADER, faults, found, rows, table, told

FIRST = ",".join(HEADER)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_file_says_the_same_in_each_encoding(encoding: str) -> None:
    content = table(FIRST, "o-1,海洋平台长效防腐涂层,中试,180万,2030年9月30日", encoding=encoding)
    [row] = found(content)
    assert row == Row(
        2,
        {
            "key": "o-1",
            "title_zh": "海洋平台长效防腐涂层",
            "trl": 6,
            "price": 1_800_000,
            "valid_until": date(2030, 9, 30),
        },
    )


def test_an_encoding_that_changes_midway_is_told_by_line() -> None:
    content = table(FIRST, "1,海洋平台涂层,6,,") + table("2,电池材料回收,5,,", "3,钛合金打印,5,,", encoding="gb18030")
    assert faults(content) == [(3, "")]
    assert "GB18030, not UTF-8" in told(content)[0]


def test_bytes_of_no_encoding_are_told_by_line() -> None:
    content = table(FIRST, encoding="gb18030") + b"1,ok,6,,\r\n2,\xff\xff\xff,6,,\r\n"
    assert faults(content) == [(3, "")]


def test_a_short_word_that_could_be_both_is_no_change_of_encoding() -> None:
    content = table(FIRST, "1,联通,6,,", "2,海洋平台涂层,6,,", encoding="gb18030")
    assert [row["title_zh"] for row in rows(content)] == ["联通", "海洋平台涂层"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_are_found(delimiter: str) -> None:
    content = table(delimiter.join(HEADER), delimiter.join(["1", "a b", "6", "5", "2030/9/30"]))
    assert [row["valid_until"] for row in rows(content)] == [date(2030, 9, 30)]


def test_the_line_with_which_excel_names_a_delimiter_is_no_header() -> None:
    assert [row["key"] for row in rows(table("sep=;", "key;title_zh", "1;a,b"))] == ["1"]


def test_a_line_number_is_that_of_the_physical_line_where_a_row_begins() -> None:
    content = table("成果编号,详细介绍,技术成熟度", '1,"one\r\ntwo\r\n""three""",6', "", "2,x,99")
    [row, fault] = found(content)
    assert isinstance(row, Row)
    assert (row.line, row.data["description_zh"]) == (2, 'one\ntwo\n"three"')
    assert isinstance(fault, Fault)
    assert (fault.line, fault.column) == (6, "技术成熟度 (C)")


def test_broken_quotes_are_told_and_the_rows_after_them_are_read() -> None:
    content = table("成果编号,成果名称", '1,"a"b', "2,c")
    assert faults(content) == [(2, "")]
    assert [row["key"] for row in rows(content)] == ["2"]


def test_a_title_above_the_header_is_passed_by() -> None:
    content = table("天津市科技成果信息表,,", ",,", "序号,成果编号,成果名称", "1,o-1,涂层")
    assert [row["key"] for row in rows(content, mapping={"序号": ""})] == ["o-1"]


def test_an_unknown_column_is_told_with_the_nearest_one() -> None:
    content = table("成果编号,成果名字,Colour", "1,x,red")
    [first, second, row] = found(content)
    assert isinstance(first, Fault)
    assert isinstance(second, Fault)
    assert (first.line, first.column) == (1, "成果名字 (B)")
    assert "title_zh" in first.message
    assert "成果名称" in first.message.zh
    assert (second.column, "Colour" in second.message) == ("Colour (C)", True)
    assert isinstance(row, Row)


def test_a_mapping_leads_foreign_headers_to_ours_or_leaves_them_out() -> None:
    content = table("编号,CGMC,Colour", "1,涂层,red")
    assert found(content, mapping={"CGMC": "title_zh", "Colour": ""}) == [Row(2, {"title_zh": "涂层", "key": "1"})]


def test_a_mapping_to_no_column_and_two_headers_for_one_are_faults() -> None:
    content = table("编号,项目名称,成果名称,X", "1,a,b,c")
    assert faults(content, mapping={"X": "colour"}) == [(1, "成果名称 (C)"), (1, "X (D)")]
    assert [row["title_zh"] for row in rows(content, mapping={"X": "colour"})] == ["a"]


def test_without_a_key_no_row_is_read() -> None:
    content = table("成果名称,技术成熟度", "x,6")
    assert faults(content) == [(1, "")]
    assert "成果编号" in found(content)[0].message.zh  # type: ignore[union-attr]


def test_foreign_words_of_a_column_are_put_into_ours() -> None:
    content = table("编号,技术成熟度,转化方式,经费来源", "1,已转化,卖断/许可,横向", "2,6,合作开发,")
    modes = {"卖断/许可": "技术转让; 普通许可"}
    words = {"trl": {"已转化": "9"}, "cooperation_modes": modes, "funding_source": {"横向": ""}}
    first, second = rows(content, words=words)
    assert first == {"key": "1", "trl": 9, "cooperation_modes": ["transfer", "licence"]}
    assert second == {"key": "2", "trl": 6, "cooperation_modes": ["joint_development"]}


def test_a_row_may_have_several_faults_each_with_its_column() -> None:
    content = table("编号,技术成熟度,价格,邮箱,所在地区,关键词", ",12,much,nobody,Atlantis,a;a")
    assert faults(content) == [
        (2, "编号 (A)"),
        (2, "技术成熟度 (B)"),
        (2, "价格 (C)"),
        (2, "邮箱 (D)"),
        (2, "所在地区 (E)"),
        (2, "关键词 (F)"),
    ]
    assert all(
        isinstance(one.message, Message) and one.message.zh for one in found(content) if isinstance(one, Fault)
    )


def test_a_cell_under_no_header_is_told_by_its_letter() -> None:
    assert faults(table("编号,,名称", "1,x,y", "2,,y,,z", "3,,y,,")) == [(2, "(B)"), (3, "(E)")]


def test_entries_of_a_cell_are_told_by_their_number() -> None:
    content = table("编号,技术指标,知识产权", "1,a ≥ 1; b about 2,发明专利:1; 魔法:2")
    assert [text.split(":")[0] for text in told(content)] == ["Entry 2", "Entry 2"]
    assert [one.message.zh[:5] for one in found(content) if isinstance(one, Fault)] == ["第 2 项", "第 2 项"]


def test_reading_can_begin_after_a_line() -> None:
    content = table("编号,名称,Colour", "1,a", "2,b", "bad,c,,d", "4,d")
    after = [one for one in found(content, start=3) if one.line > 1]
    assert [(type(one), one.line) for one in after] == [(Fault, 4), (Row, 5)]


def test_an_empty_cell_says_nothing_of_its_field() -> None:
    assert rows(table("编号,名称,技术成熟度", "1, ,")) == [{"key": "1"}]


def test_the_quote_before_a_formula_is_taken_away_again() -> None:
    content = table("编号,名称", "1,'=1+1", "2,''=1", "3,'quoted", "4,'+86")
    assert [row["title_zh"] for row in rows(content)] == ["=1+1", "'=1", "'quoted", "+86"]


def test_more_rows_than_may_be_are_refused_at_the_first_one_too_many() -> None:
    content = table("编号,名称", *("1,a" for _ in range(MOST_ROWS + 5)))
    assert faults(content, start=MOST_ROWS + 1) == [(MOST_ROWS + 2, "")]


def test_rows_are_counted_for_progress() -> None:
    assert count(io.BytesIO(table("编号,名称", '1,"a\r\nb"', "2,b")), name="a.csv") == 2


def test_the_source_is_left_open_and_can_be_read_again() -> None:
    source = io.BytesIO(table("编号,名称", "1,a"))
    assert list(read("outcomes", source, name="a.csv")) == list(read("outcomes", source, name="a.csv"))


def test_what_the_content_is_goes_before_what_its_name_says() -> None:
    assert [row["key"] for row in rows(b'{"key": "1"}\n', "a.csv")] == ["1"]
    assert [row["key"] for row in rows(table("key,title_zh", "1,a"), "a.xlsx")] == ["1"]


def test_for_codes_that_are_right_nobody_looks_for_labels_like_them() -> None:
    terms._near.cache_clear()
    content = table("key,disciplines,industries", '1,"46010, 11084","A; 农、林、牧、渔业"', '2,"46010、11084",A')
    assert [row["disciplines"] for row in rows(content)] == [["46010", "11084"]] * 2
    assert terms._near.cache_info().misses == 0  # it takes a hundred times as long as reading the row
    assert len(faults(table("key,disciplines", '1,"46010, 水泵"'))) == 1
    assert terms._near.cache_info().misses == 1
