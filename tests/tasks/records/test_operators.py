from __future__ import annotations

import re

import pytest

from tasks.records import operators
from tasks.records.operators import Operator

PASSWORD = "correct horse battery"


@pytest.fixture
def connection(database):
    with database.transaction() as connection:
        operators.add(connection, "mary", password=PASSWORD, role="operator")
        yield connection


def test_a_password_opens_its_own_account_only(connection, auditor):
    operators.add(connection, "john", password="another password", role="viewer")

    assert operators.authenticate(connection, "mary", PASSWORD) == Operator("mary", "operator")
    assert operators.authenticate(connection, "john", PASSWORD) is None
    assert operators.authenticate(connection, "nobody", PASSWORD) is None
    assert operators.authenticate(connection, "ma\0ry", PASSWORD) is None
    connection.commit()
    hashes = auditor.rows("SELECT password_hash FROM operators")
    assert all(row["password_hash"].startswith("$argon2id$") for row in hashes)


def test_a_name_is_taken_once_and_its_account_can_be_changed_and_removed(connection):
    again = operators.add(connection, "mary", password="x", role="viewer")
    changed = operators.change(connection, "mary", role="viewer")
    operators.change(connection, "mary", password="a new password")

    assert (again, changed) == (False, True)
    found = operators.authenticate(connection, "mary", "a new password")
    assert (found, found.may_act) == (Operator("mary", "viewer"), False)
    assert operators.everybody(connection) == [found]
    assert operators.remove(connection, "mary")
    assert operators.find(connection, "mary") is None
    assert not operators.remove(connection, "mary")
    assert not operators.change(connection, "mary", role="viewer")


def test_a_token_is_kept_as_its_digest_and_ends_with_its_owner(connection, auditor):
    first = operators.add_token(connection, "mary", name="laptop")
    second = operators.add_token(connection, "mary", name="script")
    number = operators.tokens_of(connection, "mary")[0].id

    assert re.fullmatch("ops_[0-9a-f]{64}", first)
    assert operators.owner_of_token(connection, first) == Operator("mary", "operator")
    assert operators.revoke_token(connection, number)
    assert not operators.revoke_token(connection, number)
    assert operators.owner_of_token(connection, first) is None
    assert operators.owner_of_token(connection, second) is not None
    kept = operators.tokens_of(connection, "mary")
    assert [(token.name, token.revoked_at is None) for token in kept] == [
        ("laptop", False),
        ("script", True),
    ]
    operators.remove(connection, "mary")
    assert operators.owner_of_token(connection, second) is None
    connection.commit()
    assert auditor.one("SELECT count(*) FROM operator_tokens") == 0


def test_what_was_done_outlives_who_did_it(connection):
    operators.note(connection, "mary", "cancel", ["a", "b"], state="pending")
    operators.note(connection, "mary", "retry", ["b"])
    operators.remove(connection, "mary")

    newest, oldest = operators.actions(connection)
    assert (newest.action, newest.jobs, newest.details) == ("retry", ["b"], {})
    assert (oldest.operator, oldest.action, oldest.details) == (
        "mary", "cancel", {"state": "pending"},
    )  # fmt: skip
    assert [one.id for one in operators.actions(connection, job="a")] == [oldest.id]
    assert [one.id for one in operators.actions(connection, before=newest.id)] == [oldest.id]
