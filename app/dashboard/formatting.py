"""How times, lengths and values are written on a page, and where its assets are."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import url_for

if TYPE_CHECKING:
    from flask import Blueprint

_STATIC = Path(__file__).parent / "static"


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a file of ours, which changes with its content."""
    return url_for("dashboard.static", filename=name, v=_digest(name))


def clock(at: datetime) -> str:
    """Write a time to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def ago(at: datetime) -> str:
    """Write how long ago something was, or in how long it will be."""
    seconds = (datetime.now(UTC) - at).total_seconds()
    return f"in {length(-seconds)}" if seconds < -1 else f"{length(max(0.0, seconds))} ago"


def length(seconds: float) -> str:
    """Write a length of time in the unit that suits it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def number(given: float) -> str:
    """Write a number with its thousands apart."""
    return f"{given:,}"


def as_json(value: Any) -> str:
    """Write a value as JSON for people."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def add_filters(blueprint: Blueprint) -> None:
    """Give the templates of a blueprint what values are written with."""
    for write in (clock, ago, length, number, as_json):
        blueprint.add_app_template_filter(write)
