from __future__ import annotations

import threading

import pytest

from tasks import org_members as module
from tasks.job import states, store
from tasks.job.context import Context
from tasks.job.errors import ClaimLost, Permanent, Wait
from tasks.org_members import org_members, read_upload
from tasks.records import members, voting
from tasks.records.uploads import Spool
from tests.tasks.job.jobs import advance, claim, record


@pytest.fixture
def imports(database, settings, tenant):
    """Record an import of a CSV file with the columns memberNumber, name and email."""

    def make(body: bytes, *, job_id: str = "a", org: str = "", **payload: object) -> Context:
        spool = Spool(database, limit=1 << 30)
        spool.write(b"header\n" + body)
        spool.finish()
        columns = ["memberNumber", "name", "email"]
        given = {
            "org": org or tenant.address,
            "upload": spool.id,
            "format": "csv",
            "start": 7,
            "columns": columns,
            "delimiter": ",",
            **payload,
        }
        record(database, job_id, type="org_members", queue="bulk", payload=given)
        return Context(claim(database, job_id), database, settings)

    return make


def run(context: Context) -> dict[str, int]:
    return org_members(context, **module.Payload().load(context.job.payload))


def next_attempt(context: Context) -> Context:
    """The attempt after one that was lost."""
    advance(context.database, context.job, states.LOSE)
    return Context(claim(context.database, context.job.id), context.database, context.settings)


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of two rows."""
    monkeypatch.setattr(module, "CHUNK_ROWS", 2)


ROWS = b"1,Ada,a@b.co\n2,Bob,nowhere\n,too,many,fields\n3,Cid,\n1,Eve,\n"


def test_an_import_stores_what_it_can_and_says_what_was_wrong(imports, auditor, database):
    context = imports(ROWS)

    result = run(context)

    assert result == {"added": 4, "total": 5, "errors": 2}
    assert auditor.job("a")["progress"] == {"read": 5, "added": 4, "errors": 2, "total": 5}
    rows = auditor.rows("SELECT member_number, name, email FROM members ORDER BY member_number")
    assert [tuple(r.values()) for r in rows] == [
        ("1", "Eve", ""),
        ("2", "Bob", ""),
        ("3", "Cid", ""),
    ]
    with database.statement() as connection:
        errors = members.errors_of(connection, "a", limit=9)
    assert errors == [(2, "invalid-email"), (3, "wrong-number-of-fields")]
    assert auditor.one("SELECT count(*) FROM uploads") == 0


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("at", range(1, 8))
def test_an_import_that_broke_off_anywhere_goes_on_with_every_row_once(
    imports, auditor, monkeypatch, at
):
    rows = b"".join(b"%d,x,%s\n" % (n, b"bad" if n % 3 == 0 else b"") for n in range(1, 10))
    context = imports(rows)
    passed = iter(range(1, 100))

    def breaks(name):
        if name == "import.before_commit" and next(passed) == at:
            raise ZeroDivisionError

    monkeypatch.setattr(module, "failpoint", breaks)
    result = None
    while result is None:
        try:
            result = run(context)
        except ZeroDivisionError:
            before = auditor.job("a")["progress"]
            context = next_attempt(context)

    assert result == {"added": 9, "total": 9, "errors": 3}
    assert at == 7 or before["read"] == min(2 * (at - 1), 9)
    numbers = [r["member_number"] for r in auditor.rows("SELECT * FROM members ORDER BY id")]
    assert numbers == [str(n) for n in range(1, 10)]
    assert auditor.rows("SELECT seq, row FROM import_errors ORDER BY seq") == [
        {"seq": 0, "row": 3},
        {"seq": 1, "row": 6},
        {"seq": 2, "row": 9},
    ]
    assert auditor.one("SELECT member_count FROM organizations") == 9


def test_an_attempt_that_breaks_off_leaves_no_thread(imports, monkeypatch):
    context = imports(ROWS)

    def breaks(name):
        if name == "import.before_commit":
            raise ZeroDivisionError

    monkeypatch.setattr(module, "failpoint", breaks)
    with pytest.raises(ZeroDivisionError) as broken:
        run(context)

    assert broken.tb is not None  # what holds the frames of the attempt
    assert [one.name for one in threading.enumerate() if one.name.startswith("reader")] == []


def test_a_chunk_of_long_rows_is_a_small_one(imports, auditor, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_BYTES", 20)
    reached = []
    monkeypatch.setattr(module, "failpoint", reached.append)
    context = imports(b"1,Ada,\n2,Bob,\n" + b"3,%s,\n" % (b"x" * 40) + b"4,Cid,\n5,Eve,\n")

    run(context)

    # The first two fill a chunk with the long one, the last two are another; then the file goes.
    assert reached.count("import.committed") == 3
    assert auditor.one("SELECT count(*) FROM members") == 5


def test_an_attempt_that_was_overtaken_stores_nothing_more(imports, auditor):
    old = imports(ROWS)
    next_attempt(old)

    with pytest.raises(ClaimLost):
        run(old)

    assert auditor.one("SELECT count(*) FROM members") == 0


@pytest.mark.usefixtures("small_chunks")
def test_a_long_import_queues_again_behind_other_work_and_loses_nothing(
    imports, auditor, monkeypatch
):
    monkeypatch.setattr(module, "TURN_SECONDS", 0.0)
    context = imports(b"1,a,\n2,b,\n3,c,\n")
    turns = 0

    while True:
        try:
            result = run(context)
            break
        except Wait as wait:
            turns += 1
            advance(context.database, context.job, states.PARK, delay=wait.until)
            context = Context(claim(context.database, "a"), context.database, context.settings)

    assert turns == 2
    assert result == {"added": 3, "total": 3, "errors": 0}
    assert auditor.one("SELECT count(*) FROM members") == 3
    assert auditor.job("a")["failures"] == 0


@pytest.mark.usefixtures("small_chunks")
def test_a_number_that_comes_again_in_a_later_chunk_updates_and_is_noted(imports, auditor):
    context = imports(b"1,a,\n2,b,\n1,c,\n3,d,\n4,e,\n")

    result = run(context)

    assert result == {"added": 5, "total": 5, "errors": 0}
    assert auditor.one("SELECT name FROM members WHERE member_number = '1'") == "c"
    assert auditor.one("SELECT count(*) FROM members") == 4
    assert auditor.one("SELECT member_count FROM organizations") == 4


@pytest.mark.usefixtures("small_chunks")
def test_the_member_limit_ends_an_import_for_good_behind_what_fits(
    imports, auditor, database, tenant
):
    with database.transaction() as connection:
        voting.limit_members(connection, tenant.id, 3)
    context = imports(b"1,a,\n2,b,\n3,c,\n4,d,\n")

    with pytest.raises(Permanent) as end:
        run(context)

    assert (end.value.code, str(end.value)) == (
        "member_limit",
        "the member limit of 3 is reached",
    )
    assert auditor.job("a")["progress"]["added"] == 2
    assert auditor.one("SELECT count(*) FROM members") == 2


def test_an_organization_that_is_gone_ends_the_import_for_good(imports):
    context = imports(ROWS, org="0x" + "0" * 40)

    with pytest.raises(Permanent) as end:
        run(context)

    assert end.value.code == "no_organization"


def test_a_file_of_a_header_alone_is_an_import_of_nothing(imports, auditor):
    assert run(imports(b"")) == {"added": 0, "total": 0, "errors": 0}
    assert auditor.one("SELECT count(*) FROM uploads") == 0


def test_a_password_is_hashed_with_the_parameters_of_owasp(imports, auditor):
    run(imports(b"1,Ada,pass-word\n", columns=["memberNumber", "name", "password"]))

    kept = auditor.one("SELECT password_hash FROM members")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_phones_are_read_as_of_the_organizations_country(imports, auditor):
    run(imports(b"1,2025550123\n2,612345678\n", columns=["memberNumber", "phone"]))

    rows = auditor.rows("SELECT member_number, phone FROM members ORDER BY id")
    assert [tuple(r.values()) for r in rows] == [("1", "2025550123"), ("2", "")]


def test_a_file_is_read_from_any_byte_across_pieces(database):
    spool = Spool(database, limit=1 << 30)
    line = b"x" * 99 + b"\n"
    spool.write(line * 22_000)
    spool.finish()

    lines, rows = read_upload(
        database, spool.id, format="csv", start=100 * 15_000, columns=["name"]
    )
    count = sum(1 for _ in rows)

    assert count == 7_000
    assert lines.offset == 2_200_000


def test_the_payload_survives_the_record(imports, database):
    imports(ROWS)

    with database.statement() as connection:
        payload = store.get(connection, "a").payload

    assert payload["columns"] == ["memberNumber", "name", "email"]
    assert payload["start"] == 7
