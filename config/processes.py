"""Children that do not outlive their parent, and servers that refuse to run as root."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pwd
    from collections.abc import Callable, Sequence

#: prctl(2) and capabilities(7).
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_SET_NAME = 1, 8, 15
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAPABILITY_VERSION = 0x20080522
_CAP_DAC_OVERRIDE = 1

_TOLD_TO_END = (signal.SIGTERM, signal.SIGINT)


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
        _end_with(parent, death)

    # The child does nothing between fork and exec but a few system calls.
    return subprocess.Popen(  # noqa: S603 - the commands are ours
        command,
        preexec_fn=prepare,  # noqa: PLW1509 - as above
        start_new_session=True,
        **options,
    )


class Fork:
    """A child that goes on with all that this process has loaded, and ends when it does.

    It is there in milliseconds and shares the memory of what it does not change, where a process
    that is started takes a second to load a hundred modules again.
    """

    #: How often a child that is waited for is looked at; seconds.
    _PERIOD = 0.02

    def __init__(self, name: str, life: Callable[[], int]) -> None:
        """Fork; the child exits with what `life` returns. At most 15 bytes of `name` are shown.

        Raises:
            RuntimeError: there are other threads; what they hold at this moment, say a lock, would
                stay as it is in the child for ever.
            OSError: the system has no room for another process.
        """
        if threading.active_count() > 1:
            raise RuntimeError("a process of several threads cannot fork")
        # What is garbage here would be kept there, and what is collected there would be copied.
        gc.collect()
        gc.freeze()
        parent = os.getpid()
        #: How it ended: its exit status, or the negative number of a signal.
        self.status: int | None = None
        # Whoever tells the child to end before it has forgotten what its parent does then is heard.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, _TOLD_TO_END)
        try:
            self.pid = os.fork()
            if self.pid == 0:
                os.setsid()
                for number in _TOLD_TO_END:
                    signal.signal(number, signal.SIG_DFL)
                _call_myself(name)
                _end_with(parent, signal.SIGKILL)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
        if self.pid == 0:
            sys.exit(life())

    def poll(self) -> int | None:
        """Return how it ended; None while it lives."""
        if self.status is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def wait(self, seconds: float) -> bool:
        """Wait for its end, so long at the most; tell whether it has ended."""
        until = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > until:
                return False
            time.sleep(self._PERIOD)
        return True

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, and return when it has ended."""
        self.send(signal.SIGKILL)
        if self.status is None:
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)


def _end_with(parent: int, death: signal.Signals) -> None:
    """Have the kernel send a signal to this process when its parent ends."""
    if sys.platform.startswith("linux"):
        _prctl(_PR_SET_PDEATHSIG, int(death))
        if os.getppid() != parent:  # it ended before we could ask
            os.kill(os.getpid(), death)


def _call_myself(name: str) -> None:
    """Set what `ps` and `top` call this process."""
    if sys.platform.startswith("linux"):
        text = ctypes.create_string_buffer(name.encode())
        _prctl(_PR_SET_NAME, ctypes.addressof(text))


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
