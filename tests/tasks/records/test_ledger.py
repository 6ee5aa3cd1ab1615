from __future__ import annotations

import pytest

from tasks.records import ledger
from tasks.records.ledger import Intent

ONE, OTHER = "0x" + "11" * 20, "0x" + "22" * 20


@pytest.fixture
def intend(database):
    """Give jobs of a sender their nonces."""

    def intend(sender, *job_ids):
        with database.transaction() as connection:
            ledger.add_accounts(connection, [sender])
            made = [
                ledger.intend(connection, Intent(job, "send", sender, None, b"", 1), least=0)
                for job in job_ids
            ]
        return [one.id for one in made]

    return intend


def test_of_each_sender_the_lowest_are_looked_at_whatever_waits_of_the_others(intend, database):
    intend(OTHER, "d", "e")
    intend(ONE, "a", "b", "c")

    with database.statement() as connection:
        found = ledger.open_transactions(connection, limit=2)

    assert [(one.sender, one.nonce, one.job_id) for one in found] == [
        (ONE, 0, "a"), (ONE, 1, "b"), (OTHER, 0, "d"), (OTHER, 1, "e"),
    ]  # fmt: skip


def test_what_is_on_its_way_outlives_its_job(intend, database, auditor):
    (over, _) = intend(ONE, "over", "open")

    with database.transaction() as connection:
        ledger.settle(connection, over, "displaced")
        ledger.forget(connection, ["over", "open"])

    assert [row["job_id"] for row in auditor.rows("SELECT job_id FROM ledger_transactions")] == [
        "open"
    ]
