"""Looks things up among findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.health.finding import Finding


def one(findings: Sequence[Finding], check: str) -> Finding:
    """Return what a check has found."""
    (finding,) = [finding for finding in findings if finding.check == check]
    return finding


def level_of(findings: Sequence[Finding], check: str) -> str:
    """Return how bad it is."""
    return str(one(findings, check).level)


def found(findings: Sequence[Finding], check: str) -> str:
    """Return what was found."""
    return one(findings, check).found


def advice_of(findings: Sequence[Finding], check: str) -> str:
    """Return what to do."""
    return one(findings, check).advice
