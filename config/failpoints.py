"""Faults that tests cause on purpose, at places where luck would rarely strike.

``FAILPOINTS="import.before_commit=kill@3:/tmp/once"`` kills the process at the third time it
passes that place, once: the file marks that it has happened. Without ``@n`` it is the first
time, without a file it is every time. Unset, a failpoint is one look into an empty dictionary.
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass
class _Fault:
    action: str
    at: int
    once: str
    passed: int = 0


_FAULTS: dict[str, _Fault] = {}


def arm(spec: str) -> None:
    """Arm the failpoints of a specification: ``name=action[@n][:file]``, separated by blanks.

    Actions are ``kill`` (SIGKILL to this process) and ``stop`` (SIGSTOP).
    """
    for part in spec.split():
        name, _, what = part.partition("=")
        action, _, once = what.partition(":")
        action, _, at = action.partition("@")
        _FAULTS[name] = _Fault(action, int(at or 1), once)


def failpoint(name: str) -> None:
    """Pass a place at which a fault may be armed."""
    fault = _FAULTS.get(name)
    if fault is None:
        return
    fault.passed += 1
    if fault.passed != fault.at:
        return
    if fault.once:
        try:
            Path(fault.once).touch(exist_ok=False)
        except FileExistsError:
            return
    # To this thread, which takes it before it goes on; another one might take it later.
    number = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[fault.action]
    signal.pthread_kill(threading.get_ident(), number)
