from __future__ import annotations

import json
import threading

import pytest

from tasks.records import members, voting
from tasks.records.members import LimitReached, RowError, Stored


def row(number: str = "", name: str = "", **more: str) -> tuple[str, ...]:
    """A checked member."""
    given = {
        "number": number,
        "name": name,
        "surname": "",
        "national_id": "",
        "birth_date": "",
        "email": "",
        "phone": "",
        "password_hash": "",
        "weight": "1",
        "other": "{}",
        **more,
    }
    return tuple(given.values())


@pytest.fixture
def store(database, tenant):
    """Store rows in the organization, in a transaction of their own."""

    def store(*rows, expect_new: bool = False) -> Stored:
        with database.transaction() as connection:
            return members.store(connection, tenant.id, rows, expect_new=expect_new)

    return store


@pytest.fixture
def there(auditor, tenant):
    """Who is in the organization, and how many it counts."""

    def there():
        rows = auditor.rows("SELECT member_number, name FROM members ORDER BY id")
        count = auditor.one("SELECT member_count FROM organizations WHERE id = %s", tenant.id)
        return [(r["member_number"], r["name"]) for r in rows], count

    return there


@pytest.mark.parametrize("expect_new", [True, False])
def test_new_members_are_there_once_in_order(store, there, expect_new):
    stored = store(row("1", "Ada"), row("", "Bob"), row("", "Bob"), expect_new=expect_new)

    assert stored == Stored(new=3, merged=not expect_new)
    assert there() == ([("1", "Ada"), ("", "Bob"), ("", "Bob")], 3)


@pytest.mark.parametrize("expect_new", [True, False])
def test_a_number_that_is_there_updates_that_member(store, there, expect_new):
    store(row("1", "Ada"), row("2", "Bob"))

    stored = store(row("2", "Robert"), row("3", "Cid"), expect_new=expect_new)

    assert stored == Stored(new=1, merged=True)
    assert there() == ([("1", "Ada"), ("2", "Robert"), ("3", "Cid")], 3)


@pytest.mark.parametrize("expect_new", [True, False])
def test_the_last_of_several_rows_with_one_number_counts(store, there, expect_new):
    stored = store(row("1", "Ada"), row("2", "Bob"), row("1", "Eve"), expect_new=expect_new)

    assert stored.new == 2
    assert sorted(there()[0]) == [("1", "Eve"), ("2", "Bob")]
    assert there()[1] == 2


def test_members_without_a_number_are_never_merged(store, there):
    store(row("", "Ada"))
    store(row("", "Ada"))

    assert there() == ([("", "Ada"), ("", "Ada")], 2)


def test_numbers_are_compared_as_they_are_written(store, there):
    store(row("1"), row("01"), row(" 1"), row("=1"), row("#1"), row("é"), row("É"))

    assert there()[1] == 7


def test_another_organization_has_numbers_of_its_own(database, store, there, auditor):
    store(row("1", "Ada"))
    with database.transaction() as connection:
        other = voting.add_organization(connection, subject="x")
        members.store(connection, other.id, [row("1", "Eve")], expect_new=True)

    assert there()[1] == 1
    assert auditor.one("SELECT count(*) FROM members") == 2


def test_an_update_replaces_everything_but_keeps_a_password_that_is_not_given(store, auditor):
    store(row("1", "Ada", email="a@b.co", birth_date="1990-01-31", password_hash="hash"))
    store(row("1", "Eve", weight="7", other='{"a": 1}'))

    (found,) = auditor.rows(
        "SELECT name, email, birth_date, password_hash, weight::int, other FROM members"
    )
    assert found == {
        "name": "Eve",
        "email": "",
        "birth_date": None,
        "password_hash": "hash",
        "weight": 7,
        "other": {"a": 1},
    }


NASTY = [
    "",
    "\\.",
    "\\N",
    "NULL",
    '"',
    '""',
    "a,b",
    "a\nb",
    "a\r\nb",
    "\r",
    "\t",
    "x\n\\.\ny",
    "\u2028",
    "😀",
    "'; DROP TABLE members; --",
    "%s",
    ":name",
    "\\",
    " ",
]


@pytest.mark.parametrize("expect_new", [True, False])
@pytest.mark.parametrize("text", NASTY)
def test_any_text_survives_the_copy(store, auditor, text, expect_new):
    other = json.dumps({"x": text})

    store(row(text, text, email=text, other=other), row("last"), expect_new=expect_new)

    first = auditor.rows("SELECT member_number, name, email, other FROM members ORDER BY id")[0]
    assert first == {"member_number": text, "name": text, "email": text, "other": {"x": text}}


def test_a_weight_has_up_to_78_digits(store, auditor):
    store(row(weight="9" * 78))

    assert auditor.one("SELECT weight::text FROM members") == "9" * 78


def test_members_beyond_the_limit_undo_the_chunk(database, tenant, store, there):
    with database.transaction() as connection:
        voting.limit_members(connection, tenant.id, 2)
    store(row("1"), row("2"))

    with pytest.raises(LimitReached, match="the member limit of 2 is reached"):
        store(row("1", "Eve"), row("3"))

    assert there() == ([("1", ""), ("2", "")], 2)
    assert store(row("1", "Eve")) == Stored(new=0, merged=True)


def test_two_imports_of_one_organization_count_every_member_once(database, tenant, there):
    def add(begin: int) -> None:
        for n in range(begin, begin + 20):
            with database.transaction() as connection:
                rows = [row(str(n), "x"), row()]
                members.store(connection, tenant.id, rows, expect_new=begin == 0)

    threads = [threading.Thread(target=add, args=(begin,)) for begin in (0, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(there()[0]) == there()[1] == 30 + 40


def test_taken_numbers_are_counted(database, tenant, store):
    store(row("1"), row("2"), row(""))

    with database.statement() as connection:
        assert members.count_taken(connection, tenant.id, ["1", "3"]) == 1
        assert members.count_taken(connection, tenant.id, []) == 0


def test_errors_are_kept_in_order_and_go_with_their_job(database):
    with database.transaction() as connection:
        members.add_errors(connection, "a", 0, [RowError(3, "x"), RowError(3, "y")])
        members.add_errors(connection, "a", 2, [RowError(9, "z")])
        members.add_errors(connection, "b", 0, [RowError(1, "x")])
        members.add_errors(connection, "b", 1, [])
        listed = members.errors_of(connection, "a", limit=2)
        rest = members.errors_of(connection, "a", first=2, limit=9)
        members.remove_errors_of(connection, ["a"])
        left = (
            members.errors_of(connection, "a", limit=9),
            members.errors_of(connection, "b", limit=9),
        )

    assert listed == [(3, "x"), (3, "y")]
    assert rest == [(9, "z")]
    assert left == ([], [(1, "x")])
