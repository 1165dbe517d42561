"""Whatever the bytes are: no exception, no waiting, and a fault that says where and why."""

from __future__ import annotations

import io
import resource
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from market.files.columns import KINDS
from market.files.faults import Fault, Row
from market.files.reading import count, read
from market.files.templates import template
from tests.files import corpus
from tests.pace import within


@pytest.mark.parametrize("name", corpus.hostile())
def test_a_hostile_file_is_refused_soon(name: str) -> None:
    file, content = corpus.hostile()[name]
    with within(2):
        found = corpus.found(content, file)
    assert found
    assert all(isinstance(one, Fault) and one.message and one.message.zh for one in found)
    assert count(io.BytesIO(content), name=file) >= 0


@pytest.mark.parametrize(
    ("name", "place", "words"),
    [
        ("empty", (0, ""), "empty"),
        ("only headers", (1, ""), "no rows"),
        ("a million columns", (1, ""), "bytes"),
        ("a thousand columns", (1, ""), "300 columns"),
        ("a million columns in a workbook", (1, ""), "300 columns"),
        ("a zip bomb", (0, ""), "100 times"),
        ("a zip that unpacks to too much", (0, ""), "200 MB"),
        ("a zip of many parts", (0, ""), "1000 parts"),
        ("a locked zip", (0, ""), "password"),
        ("a locked workbook", (0, ""), "password"),
        ("an old workbook", (0, ""), ".xls kind"),
        ("a binary workbook", (0, ""), "no .xlsx"),
        ("a page that says it is a workbook", (0, ""), "web page"),
        ("entities", (0, ""), "DOCTYPE"),
        ("deep XML", (0, ""), "XML"),
        ("a quote without end", (2, ""), "never closed"),
        ("a line without end", (2, ""), "bytes"),
        ("a list of objects", (0, ""), "not one list"),
        ("deep JSON", (1, ""), "Not a JSON object"),
        ("half characters", (1, ""), "Not a JSON object"),
    ],
)
def test_a_fault_says_what_is_wrong_and_where(name: str, place: tuple[int, str], words: str) -> None:
    file, content = corpus.hostile()[name]
    assert corpus.faults(content, file)[0] == place
    assert words in corpus.told(content, file)[0]


def test_a_nul_in_a_text_is_told_by_its_column() -> None:
    assert corpus.faults(corpus.table("成果编号,成果名称", "1,a\x00b")) == [(2, "成果名称 (B)")]
    [first, second] = corpus.found(corpus.hostile()["NUL in JSON"][1], "a.ndjson")
    assert isinstance(first, Fault)
    assert (first.line, first.column) == (1, "/key")
    assert second.line == 2


@lru_cache(maxsize=1)
def valid() -> list[tuple[str, bytes]]:
    return [(f"a.{fmt}", template("outcomes", fmt, "zh")) for fmt in ("csv", "xlsx", "ndjson")]


def check_bytes(content: bytes, name: str, kind: str) -> None:
    for one in read(kind, io.BytesIO(content), name=name):
        assert isinstance(one, Row) or (isinstance(one, Fault) and one.line >= 0 and one.message.zh)
    assert count(io.BytesIO(content), name=name) >= 0


NAMES = st.sampled_from(["a.csv", "a.xlsx", "a.ndjson", "a", "a.xls"])
STARTS = st.sampled_from(
    [b"", b"PK\3\4", b"\xff\xfe", b"\xef\xbb\xbf", b"{", "成果编号,成果名称\n".encode(), b'"', b"<"]
)


def check_random(start: bytes, rest: bytes, name: str, kind: str) -> None:
    check_bytes(start + rest, name, kind)


def mutated(content: bytes, edits: list[tuple[int, bytes, int]]) -> bytes:
    """With bytes put in place of others, here and there."""
    for place, piece, gone in edits:
        at = place % (len(content) + 1)
        content = content[:at] + piece + content[at + gone :]
    return content


EDITS = st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=6), st.integers(0, 40)), min_size=1, max_size=6)


def check_mutated(which: int, edits: list[tuple[int, bytes, int]]) -> None:
    name, content = valid()[which]
    check_bytes(mutated(content, edits), name, "outcomes")


def check_mutated_part(edits: list[tuple[int, bytes, int]], which: int) -> None:
    """A whole package around a broken part."""
    parts = {
        0: corpus.sheet([corpus.HEADER, ["1", "x", 6, 180, 46_295]], merged=["A2:B2"]),
        1: '<si><t>成果编号</t></si><si><r><t>a</t></r><rPh sb="0" eb="1"><t>b</t></rPh></si>',
    }
    try:
        broken = mutated(parts[which].encode(), edits).decode("latin-1")
    except UnicodeDecodeError:
        return
    shared = '<c r="A1" t="s"><v>0</v></c>'
    content = (
        corpus.workbook(broken)
        if which == 0
        else corpus.workbook(corpus.sheet([[shared, "成果名称"], ["1", "x"]]), strings=broken)
    )
    check_bytes(content, "a.xlsx", "outcomes")


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LONG = settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
random_bytes = given(STARTS, st.binary(max_size=400), NAMES, st.sampled_from(sorted(KINDS)))
mutations = given(st.integers(0, 2), EDITS)
parts = given(EDITS, st.integers(0, 1))


test_any_bytes_give_rows_or_faults = QUICK(
    example(b"PK\5\6", bytes(18), "a.xlsx", "outcomes")(random_bytes(check_random))
)
test_broken_copies_of_good_files_give_rows_or_faults = QUICK(mutations(check_mutated))
test_broken_parts_of_workbooks_give_rows_or_faults = QUICK(parts(check_mutated_part))
test_any_bytes_at_length = pytest.mark.long(LONG(random_bytes(check_random)))
test_broken_copies_at_length = pytest.mark.long(LONG(mutations(check_mutated)))
test_broken_parts_at_length = pytest.mark.long(LONG(parts(check_mutated_part)))


@pytest.mark.long
@pytest.mark.parametrize("name", ["a.ndjson", "a.csv"])
def test_fifty_thousand_rows_take_little_memory(name: str) -> None:
    lines = [
        {"key": f"o-{n}", "title_zh": f"涂层 {n}", "description_zh": f"{n} " + "海洋防腐涂层" * 100}
        for n in range(50_000)
    ]
    content = (
        corpus.ndjson(*lines)
        if name.endswith("ndjson")
        else corpus.table("key,title_zh,description_zh", *(",".join(one.values()) for one in lines))
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(isinstance(one, Row) for one in read("outcomes", io.BytesIO(content), name=name)) == 50_000
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 200
