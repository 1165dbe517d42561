"""/imports: a file goes in by form, is followed, cancelled, run after a trial, undone; who may; what is refused."""

from __future__ import annotations

import csv
import io
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from market.runtime import Runtime
from tests.factories import Caller, add_member, add_organisation, payload
from tests.pace import within
from tests.services.files import ndjson, row, work
from tests.services.stock import stored


def send(
    caller: Caller, content: bytes, *, name: str = "outcomes.ndjson", key: str = "", **fields: str
) -> TestResponse:
    """POST a file; `key` is the Idempotency-Key."""
    mark = uuid.uuid4().hex  # what parts a form is different each time
    head = f'--{mark}\r\nContent-Disposition: form-data; name="'
    parts = [f'{head}{field}"\r\n\r\n{value}\r\n' for field, value in {"noun": "outcome", **fields}.items()]
    begin = "".join([*parts, f'{head}file"; filename="{name}"\r\n\r\n']).encode()
    return caller.send(
        "POST",
        "imports",
        data=begin + content + f"\r\n--{mark}--\r\n".encode(),
        content_type=f"multipart/form-data; boundary={mark}",
        headers={"Idempotency-Key": key} if key else {},
    )


def begun(caller: Caller, content: bytes, **options: str) -> dict[str, Any]:
    """An import that is accepted."""
    response = send(caller, content, **options)
    assert response.status_code == 202, response.text
    return dict(response.json)


def lines(count: int) -> bytes:
    return ndjson(row("outcome", f"k{number}") for number in range(count))


def test_a_file_is_taken_in_by_a_job_and_followed_to_its_end(owner: Caller, runtime: Runtime) -> None:
    answer = send(owner, lines(3))
    assert (answer.status_code, answer.headers["Location"]) == (202, answer.json["links"]["self"])
    assert (answer.json["state"], answer.json["progress"]) == ("waiting", 0)
    work(runtime)
    done = owner.get(answer.headers["Location"]).json
    assert (done["state"], done["progress"], done["created"]) == ("done", 1, 3)
    assert [one["id"] for one in owner.get("imports").json["items"]] == [done["id"]]
    assert owner.get("imports", state="failed").json["items"] == []


def test_headers_and_words_of_others_are_mapped(owner: Caller, runtime: Runtime) -> None:
    file = "内部号,项目题目,技术领域\nA1,防腐涂层,新型材料类\n".encode()
    sent = begun(
        owner, file, name="x.csv", mapping='{"内部号": "key", "项目题目": "title_zh"}',
        words='{"field": {"新型材料类": "new_materials"}}',
    )  # fmt: skip
    work(runtime)
    assert owner.get(sent["links"]["self"]).json["created"] == 1
    assert owner.get("outcomes").status_code == 200


def test_faults_are_told_in_the_readers_language_and_as_a_table_without_formulas(
    owner: Caller, runtime: Runtime
) -> None:
    file = '编号,成果名称,技术成熟度,"=HYPERLINK(""x"")"\nA1,涂层,十二,1\n'.encode()
    sent = begun(owner, file, name="x.csv")
    work(runtime)
    told = owner.speaking("zh").get(sent["links"]["faults"]).json["items"]
    assert [one["line"] for one in told] == [1, 2]
    assert "TRL" in told[1]["message"]
    table = owner.get(sent["links"]["faults"], format="csv")
    assert table.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(table.data.decode("utf-8-sig"))))
    assert rows[0] == ["line", "column", "kind", "message"]
    assert all(cell[:1] not in "=+-@" for line in rows for cell in line if cell)
    assert rows[1][1].lstrip("'").startswith("=HYPERLINK")


def test_pages_of_faults_follow_each_other(owner: Caller, runtime: Runtime) -> None:
    sent = begun(owner, b"{\n" * 5)
    work(runtime)
    first = owner.get(sent["links"]["faults"], limit=3)
    second = owner.get(first.headers["Link"].removesuffix('>; rel="next"').removeprefix("<"))
    assert [one["line"] for one in first.json["items"] + second.json["items"]] == [1, 2, 3, 4, 5]
    assert second.json["next"] is None


def test_the_same_request_again_begins_no_second_import_however_its_form_is_parted(
    owner: Caller, runtime: Runtime
) -> None:
    first, second = begun(owner, lines(2), key="one"), send(owner, lines(2), key="one")
    assert (second.json["id"], second.headers["Idempotency-Replayed"]) == (first["id"], "true")
    other = send(owner, lines(3), key="one")
    assert (other.status_code, other.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert work(runtime) == 1


def test_a_trial_is_run_and_undone(owner: Caller, runtime: Runtime) -> None:
    trial = begun(owner, lines(2), dry_run="true")
    work(runtime)
    trial = owner.get(trial["links"]["self"]).json
    assert (trial["created"], stored(runtime)["outcome"]) == (2, {})
    real = owner.post(trial["links"]["run"])
    assert real.status_code == 202
    work(runtime)
    assert len(stored(runtime)["outcome"]) == 2
    links = owner.get(real.json["links"]["self"]).json["links"]
    assert owner.post(links["undo"]).status_code == 202
    work(runtime)
    back = owner.get(links["self"]).json
    assert (back["state"], back["undone"], back["left"], stored(runtime)["outcome"]) == ("undone", 2, 0, {})
    assert owner.post(links["undo"]).status_code == 409
    assert owner.post(trial["links"]["run"]).json["type"] == "/problems/file-gone"


def test_what_waits_can_be_cancelled(owner: Caller, runtime: Runtime) -> None:
    sent = begun(owner, lines(2))
    assert owner.post(sent["links"]["cancel"]).json["state"] == "cancelled"
    work(runtime)
    assert stored(runtime)["outcome"] == {}
    assert owner.post(f"{sent['links']['self']}/actions/run").status_code == 409


def test_a_visitor_imports_nothing_and_a_member_only_for_their_own(
    visitor: Caller, owner: Caller, stranger: Caller, runtime: Runtime
) -> None:
    assert send(visitor, lines(1)).status_code == 401
    other = stranger.person.organisation_id if stranger.person else None
    assert send(owner, lines(1), organisation_id=str(other)).status_code == 403
    assert send(owner, lines(1), create_organisations="true").status_code == 403
    sent = begun(owner, ndjson([row("outcome", "k", organisation="别家大学")]))
    work(runtime)
    assert owner.get(sent["links"]["self"]).json["refused"] == 1


def test_an_import_is_seen_by_its_organisation_and_by_nobody_else(
    owner: Caller, stranger: Caller, administrator: Caller
) -> None:
    here = begun(owner, lines(1))["links"]["self"]
    assert (owner.get(here).status_code, administrator.get(here).status_code) == (200, 200)
    for answer in (stranger.get(here), stranger.get(f"{here}/faults"), stranger.post(f"{here}/actions/cancel")):
        assert answer.status_code == 404
    assert stranger.get("imports").json["items"] == []


def test_administrators_import_for_any_organisation(administrator: Caller, runtime: Runtime) -> None:
    add_organisation(runtime, name_zh="甲大学")
    rows = [row("outcome", "k1", organisation="甲大学"), row("outcome", "k2", organisation="乙大学")]
    sent = begun(administrator, ndjson(rows), create_organisations="true")
    work(runtime)
    assert administrator.get(sent["links"]["self"]).json["created"] == 2


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"noun": "patent"}, "/noun"),
        ({"mapping": "["}, "/mapping"),
        ({"mapping": '{"a": 1}'}, "/mapping"),
        ({"words": '{"a": "b"}'}, "/words"),
        ({"organisation_id": "x"}, "/organisation_id"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_field_that_breaks_rules_is_named(owner: Caller, fields: dict[str, str], pointer: str) -> None:
    answer = send(owner, lines(1), **fields)
    assert (answer.status_code, [one["pointer"] for one in answer.json["errors"]]) == (422, [pointer])


def test_a_form_without_a_file_or_with_an_empty_one_is_refused(owner: Caller) -> None:
    without = owner.send("POST", "imports", data={"noun": "outcome"}, content_type="multipart/form-data")
    for answer in (without, send(owner, b"")):
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/file")
    assert owner.post("imports", {"noun": "outcome"}).status_code == 415


def test_a_file_above_the_limit_is_refused_and_one_at_the_limit_is_taken(owner: Caller, runtime: Runtime) -> None:
    limit = runtime.settings.import_limit
    answer = send(owner, b"x" * (limit + 1))
    assert (answer.status_code, answer.json["type"]) == (413, "/problems/too-large")
    line = b'{"key": "k", "title_zh": "x"}'
    begun(owner, line + b"\n" * (limit - len(line)))


def test_other_bodies_keep_their_own_limit(owner: Caller) -> None:
    assert owner.post("outcomes", payload("outcome", description_zh="x" * 2_000_000)).status_code == 413


def bomb() -> bytes:
    """A workbook of some kilobytes that would unpack to a gigabyte."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        with package.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(300):
                part.write(b"0" * 1_000_000)
    return file.getvalue()


def test_a_bomb_is_refused_at_once(owner: Caller) -> None:
    file = bomb()
    with within(2):
        answer = send(owner, file, name="x.xlsx")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/file")


@pytest.mark.parametrize("noun", ["outcome", "expert", "demand"])
@pytest.mark.parametrize("fmt", ["csv", "xlsx", "ndjson"])
def test_a_template_can_be_imported_as_it_is(
    visitor: Caller, runtime: Runtime, noun: str, fmt: str, client: Any
) -> None:
    template = visitor.get(f"import-templates/{noun}", format=fmt)
    assert (template.status_code, f'"{noun}s.{fmt}"' in template.headers["Content-Disposition"]) == (200, True)
    member = Caller(client, add_member(runtime))
    sent = begun(member, template.data, name=f"x.{fmt}", noun=noun)
    work(runtime)
    done = member.get(sent["links"]["self"]).json
    assert (done["state"], done["created"], done["refused"]) == ("done", 1, 0)


def test_no_template_is_there_for_other_things(visitor: Caller) -> None:
    assert visitor.get("import-templates/patent").status_code == 404
    assert visitor.get("import-templates/outcome", format="pdf").status_code == 422
    assert visitor.get(f"imports/{uuid.uuid4()}").status_code == 401


def test_what_an_import_made_is_found_once_the_worker_has_been_there(owner: Caller, drain: Callable[[], int]) -> None:
    begun(owner, lines(3))
    drain()
    assert owner.get("outcomes", q="防腐涂层").json["total"] == 3
