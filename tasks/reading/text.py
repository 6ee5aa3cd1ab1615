"""Text that others wrote, made fit to be kept and shown."""

from __future__ import annotations

import re
from typing import Any

#: Characters that are kept of one text at the most.
LONGEST = 500
#: What PostgreSQL does not take, or a screen should not.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")


def printable(given: Any, *, longest: int = LONGEST) -> str:
    """Return a value as one line that can be stored; nothing for None."""
    return "" if given is None else _UNPRINTABLE.sub(" ", str(given)).strip()[:longest]
