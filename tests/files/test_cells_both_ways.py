"""Cells: what people write, and that what we write is read as the same."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.files import lists
from market.files.cells import NEGOTIABLE, BadCell, guarded, reader, unguarded, written
from market.files.columns import FORMS, KINDS, columns_of, match_header, normalised
from market.files.money import amount, budget
from market.files.terms import NoTerm, code_of
from market.vocabulary import VOCABULARIES, protection, vocabulary
from schemas.rows import ROWS

# The key stands for the first; and no file consents for anybody.
NOT_IN_TABLES = {"external_key", "consented"}
COLUMNS = {(kind, column.name): column for kind in KINDS for column in columns_of(kind)}


def cell(kind: str, name: str, value: Any, **more: Any) -> Any:
    return reader(COLUMNS[kind, name], **more)(value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_column_and_every_header_one_meaning(kind: str) -> None:
    columns = columns_of(kind)
    assert {column.name for column in columns if column.written} == set(ROWS[kind]().fields) - NOT_IN_TABLES
    assert {column.form for column in columns} <= set(FORMS)
    names = [
        name
        for column in columns
        for name in {normalised(text) for text in (column.name, column.zh, column.en, *column.aliases)}
    ]
    assert sorted(names) == sorted(set(names))


def test_headers_are_known_in_any_case_width_and_with_what_stands_in_brackets() -> None:
    headers = ["＊成果编号（必填）", " title-ZH ", "TRL (1-9)", "拟转让价格/万元", "PRICE NEGOTIABLE:"]
    matched, faults = match_header("outcomes", headers)
    assert [one.column.name for one in matched] == ["key", "title_zh", "trl", "price", "price_negotiable"]
    assert ([one.scale for one in matched], faults) == ([1, 1, 1, 10_000, 1], [])


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("180万", 1_800_000), ("1.8 million", 1_800_000), ("1,800,000", 1_800_000), ("¥1,800,000", 1_800_000),
        ("￥180 万元", 1_800_000), ("１８０万", 1_800_000), ("RMB 1.8M", 1_800_000), ("1.2亿", 120_000_000), ("0", 0),
        ("面议", NEGOTIABLE), ("Negotiable", NEGOTIABLE),
        ("0.5", None), ("$5", None), ("about 5", None), ("1,80", None), ("-5", None), ("9" * 40, None),
    ],
)  # fmt: skip
def test_amounts(text: str, yuan: int | str | None) -> None:
    assert amount(text) == yuan


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("50-80万", (500_000, 800_000)), ("50万～80万元", (500_000, 800_000)), ("100万以内", (None, 1_000_000)),
        ("不低于50万", (500_000, None)), ("60万", (600_000, 600_000)), ("1 to 2 million", (1_000_000, 2_000_000)),
        ("面议", NEGOTIABLE), ("a lot", None), ("1-2-3万", None),
    ],
)  # fmt: skip
def test_budgets(text: str, ends: Any) -> None:
    assert budget(text) == ends


def test_an_amount_with_a_unit_of_its_own_does_not_count_in_that_of_the_header() -> None:
    assert (amount("180", scale=10_000), amount("180万", scale=10_000), amount("180元", scale=10_000)) == (
        1_800_000, 1_800_000, 180,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("120000", "120000"), ("天津", "120000"), ("天津市", "120000"), ("Tianjin", "120000"), ("河北", "130000"),
        ("河北区", "120105"), ("河北省石家庄市", "130100"), ("天津 滨海新区", "120116"), ("内蒙古", "150000"),
    ],
)  # fmt: skip
def test_regions_have_short_names(text: str, code: str) -> None:
    assert code_of("regions", text) == code


def test_a_district_is_not_guessed_from_half_its_name() -> None:
    with pytest.raises(NoTerm):
        code_of("regions", "和平")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("cooperation_modes", "许可", "'许可' 不属于“合作方式”：技术转让、独占许可、普通许可、作价入股、"),
        ("disciplines", "材料学", "'材料学' 不属于“学科分类”：材料化学、材料科学、材料实验。"),
        ("industries", "Chemical industry", "Industries: Chemical fibres; "),
    ],
)
def test_a_word_that_is_no_label_is_answered_with_labels_like_it(name: str, text: str, told: str) -> None:
    with pytest.raises(NoTerm) as refused:
        code_of(name, text)
    assert told in refused.value.message.zh or told in refused.value.message


@pytest.mark.parametrize("name", sorted(VOCABULARIES))
def test_every_label_that_is_written_means_its_code_again(name: str) -> None:
    column = next((one for one in COLUMNS.values() if one.of == name and one.form in ("code", "codes")), None)
    for term in vocabulary(name):
        assert code_of(name, term.code) == term.code
        for language in ("zh", "en"):
            if column:
                value = term.code if column.form == "code" else [term.code]
                assert reader(column)(written(column, value, language=language)) == value


def test_codes_are_lists_of_labels_whatever_parts_them() -> None:
    modes = ["transfer", "licence"]
    for text in (
        "技术转让；普通许可",
        "技术转让、普通许可",
        "Transfer, LICENCE",
        "transfer|licence",
        "transfer\nlicence\n",
    ):
        assert cell("outcomes", "cooperation_modes", text) == modes
    assert cell("outcomes", "industries", "农、林、牧、渔业; 教育") == ["A", "P"]


def test_commas_part_words_only_where_nothing_else_does() -> None:
    assert lists.words("Smith, John; Doe, Jane") == ["Smith, John", "Doe, Jane"]
    assert lists.words("a, b，c") == ["a", "b", "c"]
    assert lists.words("张三、李四") == ["张三", "李四"]


@pytest.mark.parametrize("text", ["6", "TRL 6", "6级", "中试", "pilot", "TRL 6: demonstrated at pilot scale", 6, 6.0])
def test_levels(text: Any) -> None:
    assert cell("outcomes", "trl", text) == 6


@pytest.mark.parametrize(("text", "value"), [("是", True), ("No", False), ("√", True), (1, True), (False, False)])
def test_yes_and_no(text: Any, value: bool) -> None:
    assert cell("outcomes", "price_negotiable", text) is value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("trl", "soon"), ("trl", 6.5), ("trl", date(2030, 1, 1)), ("price_negotiable", "maybe"), ("price", "dear"),
        ("indicators", "a about 5"), ("indicators", "≥ 5"), ("indicators", "a ≥ 3~5"), ("ip_rights", "magic:1"),
        ("field", "magic"), ("cooperation_modes", "licence; magic"), ("valid_until", "2030-13-01"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_both_languages(name: str, text: Any) -> None:
    with pytest.raises(BadCell) as caught:
        cell("outcomes", name, text)
    assert str(caught.value.message) != caught.value.message.zh


def test_indicators_are_written_as_people_write_them() -> None:
    text = "耐盐雾时间≥4,000h; 误差 <= -0.5 %；厚度：3~5 μm\n寿命 = 1e6 次"
    assert [list(one.values()) for one in cell("outcomes", "indicators", text)] == [
        ["耐盐雾时间", "at_least", 4000, "h"],
        ["误差", "at_most", -0.5, "%"],
        ["厚度", "between", 3, 5, "μm"],
        ["寿命", "exactly", 1e6, "次"],
    ]


def test_a_patent_number_alone_tells_its_kind() -> None:
    assert cell("outcomes", "ip_rights", "ZL202320012345.6; 软件著作权：2022SR1") == [
        {"kind": "utility_model", "number": "ZL202320012345.6"},
        {"kind": "software_copyright", "number": "2022SR1"},
    ]


def test_a_rights_number_may_be_what_parts_it_from_its_kind() -> None:
    column, value = COLUMNS["outcomes", "ip_rights"], [{"kind": "know_how", "number": ":"}, {"kind": "know_how"}]
    assert reader(column)(written(column, value, language="en", labels=False)) == value


def test_tiers_are_named_as_people_name_fields_and_tiers() -> None:
    text = "技术难题: 协议后; 单位：注册用户\nBUDGET = members of verified organisations；contact: agreement"
    assert cell("demands", "tiers", text) == {
        "problem": "agreement", "organisation": "registered", "budget": "verified", "contact": "agreement",
    }  # fmt: skip
    assert cell("outcomes", "tiers", "详细介绍: 公开; 英文详细介绍: public") == {"description": "public"}


@pytest.mark.parametrize(
    "text",
    [
        "技术难题", "技术难题: 谁", "标题: 协议后", "是", "技术难题: 协议后, 预算: 协议后", "contact: public",
        ": 协议后", "技术难题: 认证机构; 英文技术难题: 公开", "预算: 协议后; 技术难题", "技术难题:",
    ],
)  # fmt: skip
def test_tiers_that_cannot_be_read_whole_are_none(text: str) -> None:
    with pytest.raises(BadCell) as caught:
        cell("demands", "tiers", text)
    assert str(caught.value.message) != caught.value.message.zh


def test_works_are_lines_of_parts() -> None:
    text = "On coatings | 2023 | 10.1000/1 | 论文\n涂层\nB ||id"
    assert cell("experts", "works", text) == [
        {"title": "On coatings", "year": 2023, "kind": "paper", "identifier": "10.1000/1"},
        {"title": "涂层"},
        {"title": "B", "identifier": "id"},
    ]


# Texts as the schemas keep them: trimmed, without control characters, here with much that parts and escapes.
TEXTS = (
    st.text(st.sampled_from("ab 海\\;；、|｜,，:：=≥≤><~-–0123.'+@#至不低于\n"), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)
NUMBERS = st.integers(-(10**9), 10**9) | st.floats(-1e12, 1e12, allow_nan=False)
MADE: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "words": st.lists(TEXTS, min_size=1, max_size=4),
    "trl": st.integers(1, 9),
    "money": st.integers(0, 10**12),
    "yes": st.booleans(),
    "date": st.dates(date(1900, 1, 1), date(2999, 1, 1)).map(date.isoformat),
    "indicators": st.lists(
        st.fixed_dictionaries(
            {"name": TEXTS, "direction": st.just("at_least"), "value": NUMBERS}, optional={"unit": TEXTS}
        )
        | st.fixed_dictionaries(
            {"name": TEXTS, "direction": st.just("between"), "value": NUMBERS, "value_to": NUMBERS},
            optional={"unit": TEXTS},
        ),
        min_size=1,
        max_size=3,
    ),
    "rights": st.lists(
        st.fixed_dictionaries({"kind": st.sampled_from(vocabulary("ip_kinds").codes)}, optional={"number": TEXTS}),
        min_size=1,
        max_size=3,
    ),
    "works": st.lists(
        st.fixed_dictionaries(
            {"title": TEXTS},
            optional={
                "year": st.integers(1800, 2200),
                "identifier": TEXTS,
                "abstract": TEXTS,
                "kind": st.sampled_from(vocabulary("work_kinds").codes),
            },
        ),
        min_size=1,
        max_size=3,
    ),
}


def tiers_of(noun: str) -> st.SearchStrategy[dict[str, str]]:
    choices = {field: protection.choices(noun, field) for field in protection.FIELDS[noun]}
    given_tiers = {field: st.sampled_from(offered) for field, offered in choices.items() if offered}
    return st.fixed_dictionaries({}, optional=given_tiers).filter(bool)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_what_is_written_is_read_as_the_same(data: st.DataObject) -> None:
    column = data.draw(
        st.sampled_from([one for one in COLUMNS.values() if one.form in (*MADE, "tiers") and one.written])
    )
    value = data.draw(tiers_of(column.of) if column.form == "tiers" else MADE[column.form])
    language, labels = data.draw(st.sampled_from(["zh", "en"])), data.draw(st.booleans())
    text = written(column, value, language=language, labels=labels)
    assert reader(column)(guarded(text) if isinstance(text, str) else text) == value


@given(st.one_of(st.text(st.sampled_from("'=+-@\ta＝＋－＠﹢\u200b\ufeff\u2060 \n")), st.text()))
def test_a_guarded_text_is_no_formula_and_can_be_had_back(text: str) -> None:
    seen = "".join(one for one in guarded(text) if one.isprintable() and one != " ")
    assert not unicodedata.normalize("NFKC", seen).startswith(("=", "+", "-", "@"))
    assert not guarded(text).startswith(("\t", "\r", "\n"))
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize(
    "text", ["＝1+1", "＋86", "－1", "＠SUM(A1)", "\u200b=1", "\ufeff\u2060@a", "\u202e-1", "' \u00a0=1"]
)
def test_a_formula_in_another_width_or_behind_what_is_not_seen_is_guarded(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "环氧 = 1", "a=b", "'tis", "（一）=", "3－5", " 空格"])
def test_a_text_that_is_no_formula_is_left_as_it_is(text: str) -> None:
    assert guarded(text) == text
