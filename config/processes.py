"""Children that do not outlive their parent, and servers that refuse to run as root."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pwd
    from collections.abc import Callable, Sequence

#: prctl(2) and capabilities(7).
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAPABILITY_VERSION = 0x20080522
_CAP_DAC_OVERRIDE = 1


def spawn(
    command: Sequence[str],
    *,
    death: signal.Signals = signal.SIGKILL,
    before: Callable[[], None] | None = None,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, to be signalled when this process ends.

    The kernel sends the signal of `death` however this process ends, SIGKILL included; only
    Linux does. `before` is called in the child, between fork and exec.
    """
    parent = os.getpid()

    def prepare() -> None:
        if before is not None:
            before()
        if sys.platform.startswith("linux"):
            _prctl(_PR_SET_PDEATHSIG, int(death))
            if os.getppid() != parent:  # it ended before we could ask
                os.kill(os.getpid(), death)

    # The child does nothing between fork and exec but a few system calls.
    return subprocess.Popen(  # noqa: S603 - the commands are ours
        command,
        preexec_fn=prepare,  # noqa: PLW1509 - as above
        start_new_session=True,
        **options,
    )


def become(user: pwd.struct_passwd) -> Callable[[], None]:
    """Return what turns a root process into another user's that can still reach root's files.

    PostgreSQL refuses to run as root, while the virtual environment and the data folder may
    stand where only root may look. The one capability it keeps spares us from opening them.
    """

    def change() -> None:
        _prctl(_PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
        # Effective, permitted and inheritable, then the same for the capabilities above 31.
        sets = (ctypes.c_uint32 * 6)(*[1 << _CAP_DAC_OVERRIDE] * 3, 0, 0, 0)
        if _libc().capset(ctypes.byref(header), ctypes.byref(sets)) != 0:
            raise OSError(ctypes.get_errno(), "capset")
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE)

    return change


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *arguments: int) -> None:
    values = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc().prctl(option, *values) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
