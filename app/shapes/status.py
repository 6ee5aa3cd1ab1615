"""Status words: each API has its own for our five states, and none may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.job.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping


def status_words(words: Mapping[State, str]) -> Mapping[State, str]:
    """Return the table if it has a word for every state.

    Raises:
        LookupError: at import, when a state has none.
    """
    missing = set(State) - set(words)
    if missing:
        raise LookupError(f"no status word for {sorted(missing)}")
    return words
