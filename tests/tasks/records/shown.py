"""Rows of members as tests compare them."""

from __future__ import annotations

import json

from tasks.records.member_rows import FIELDS, RowRejected


def named(row) -> dict[str, str] | str:
    """Show what a row holds, or why it was rejected."""
    if isinstance(row, RowRejected):
        return str(row)
    shown = {name: value for name, value in zip(FIELDS, row[:-1], strict=True) if value}
    return {**shown, **json.loads(row[-1])}
