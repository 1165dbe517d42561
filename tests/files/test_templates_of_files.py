"""Templates: a filled one reads back without faults, and says what each column takes."""

from __future__ import annotations

import io
import zipfile

import pytest

from market.files.columns import KINDS, columns_of
from market.files.faults import Row
from market.files.templates import template
from market.vocabulary import vocabulary
from tests.files.corpus import found

FORMATS = ("csv", "xlsx", "ndjson")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_example_of_a_template_reads_without_faults(kind: str, fmt: str, language: str) -> None:
    [row] = found(template(kind, fmt, language), f"a.{fmt}", kind)
    assert isinstance(row, Row)
    [same] = found(template(kind, "ndjson", "zh"), "a.ndjson", kind)
    assert isinstance(same, Row)
    assert row.data == same.data


def test_a_csv_template_opens_in_a_spreadsheet_as_utf_8() -> None:
    content = template("outcomes", "csv", "zh")
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig").splitlines()[0].startswith("成果编号,所属单位")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_workbook_lists_every_column_and_code_and_offers_short_lists(kind: str, language: str) -> None:
    with zipfile.ZipFile(io.BytesIO(template(kind, "xlsx", language))) as package:
        texts = package.read("xl/sharedStrings.xml").decode()
        first = package.read("xl/worksheets/sheet1.xml").decode()
    for column in columns_of(kind):
        assert not column.written or f">{column.name}<" in texts
        for term in vocabulary(column.of) if column.form in ("code", "codes") else ():
            assert f">{term.code}<" in texts
    assert first.count('type="list"') >= 3


def test_there_is_no_template_in_another_format() -> None:
    with pytest.raises(ValueError, match="pdf"):
        template("outcomes", "pdf", "zh")
