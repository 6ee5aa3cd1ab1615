"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    #: The service works, and somebody should know.
    WARN = "warn"
    #: Something does not work.
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What a check has found. It holds no secret: addresses and keys are named, never quoted."""

    check: str
    level: Level
    found: str
    #: What to do about it; empty where there is nothing to do.
    advice: str = ""


def ok(check: str, found: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(check, Level.OK, found)


def warn(check: str, found: str, advice: str) -> Finding:
    """Return that something works and is not as it should be."""
    return Finding(check, Level.WARN, found, advice)


def fail(check: str, found: str, advice: str) -> Finding:
    """Return that something does not work."""
    return Finding(check, Level.FAIL, found, advice)
