from __future__ import annotations

from tasks.records.seals import SEALED

#: Binary columns with something else in them: digests, files, and what is public on chain.
PLAIN = {
    *("access_digest", "digest", "old_digest", "address", "name"),  # the last two: of sign-ins
    *("bytes", "data", "nodes", "package", "raw"),
}


def test_every_column_with_something_sealed_is_known(auditor):
    rows = auditor.rows(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'bytea'"
    )
    found = {(row["table_name"], row["column_name"]) for row in rows}

    known = {(table, name) for table, (_, *names) in SEALED.items() for name in names}
    assert known <= found
    assert {name for _, name in found - known} <= PLAIN
