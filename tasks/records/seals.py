"""Everything that is kept sealed, whichever API it belongs to, to be sealed with another key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from config.sealing import SealUnopened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

#: The columns that hold something sealed, by their tables, each behind its table's primary key.
SEALED = {
    "webhooks": ("id", "sealed"),
    "income_clients": ("id", "sealed"),
    "links": ("id", "session"),
    "bridge_tokens": ("digest", "account"),
    "account_tasks": ("job_id", "bridge_token"),
    "account_secrets": ("job_id", "credentials", "session", "challenge", "code", "account"),
}
#: Rows that are locked at the same time.
BATCH = 500


class Resealed(NamedTuple):
    """What became of some rows of a table."""

    #: The last of them; None if there were none.
    last: Any
    #: Secrets that were sealed anew, and those that no key opens.
    anew: int
    unopened: int


def reseal(
    connection: Connection, table: str, after: Any, reseal_one: Callable[[bytes], bytes | None]
) -> Resealed:
    """Seal the secrets of the rows behind one anew, as far as a batch goes.

    What `reseal_one` returns takes their place, unless that is None.
    """
    key, *columns = SEALED[table]
    rows = connection.execute(_rows(table, key, columns, is_first=after is None), {"after": after})
    last, anew, unopened = None, 0, 0
    for row in rows.mappings().all():
        last, changed = row[key], {}
        for name in columns:
            try:
                made = None if row[name] is None else reseal_one(bytes(row[name]))
            except SealUnopened:
                unopened += 1
                continue
            if made is not None:
                changed[name] = made
        if changed:
            _change(connection, table, key, row[key], changed)
        anew += len(changed)
    return Resealed(last, anew, unopened)


def _rows(table: str, key: str, columns: list[str], *, is_first: bool) -> Any:
    names = ", ".join([key, *columns])
    behind = "" if is_first else f"WHERE {key} > :after"
    statement = f"SELECT {names} FROM {table} {behind} ORDER BY {key} LIMIT {BATCH} FOR UPDATE"
    return text(statement)


def _change(
    connection: Connection, table: str, key: str, row: Any, changed: Mapping[str, bytes]
) -> None:
    changes = ", ".join(f"{name} = :{name}" for name in changed)
    connection.execute(
        text(f"UPDATE {table} SET {changes} WHERE {key} = :key"), {**changed, "key": row}
    )
