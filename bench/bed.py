"""What figures are taken on: one PostgreSQL, one Redis, and the service's own processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg2

from bench import load, noop
from config.database import Database
from config.processes import spawn
from config.settings import Settings
from config.stack import free_port
from tasks.job.queue import connect
from tasks.migrations.upgrade import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

    from config.embedded import Servers

_ROOT = Path(__file__).parent.parent
#: How long anything that is waited for may take; seconds.
_PATIENCE = 120.0
#: Processes of the API and of the workers, everywhere.
PROCESSES = 2


class BenchFailed(Exception):
    """A figure could not be taken."""


class Bed:
    """Both servers, and what is started over them."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self.settings = Settings(
            database_url=servers.postgres.url,
            redis_url=servers.redis.url,
            task_modules=(noop.__name__,),
            database_pool=4,
        )
        upgrade(self.settings)
        self.database = Database(self.settings, name="bench")
        self.redis: redis.Redis = connect(self.settings, timeout=30.0)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement outside the service's own connections."""
        with contextlib.closing(psycopg2.connect(self.settings.database_url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """Close the connections of this process."""
        self.redis.close()
        self.database.close()

    def clear(self) -> None:
        """Empty both servers."""
        self.sql(
            "TRUNCATE jobs, job_moves, job_counts, members, uploads, upload_pieces, import_errors,"
            " ledger_transactions, ledger_attempts"
        )
        self.redis.flushall()

    def facts(self) -> dict[str, str]:
        """Say what the servers are, and how they keep what they are given."""
        (postgres,) = self.sql("SELECT current_setting('server_version')")
        kept = ", ".join(
            f"{name} {self.sql(f'SHOW {name}')[0][0]}"
            for name in ("fsync", "synchronous_commit", "shared_buffers")
        )
        took = sorted(self._commit_seconds() for _ in range(200))
        info: Any = self.redis.info("server")
        return {
            "postgresql": f"{postgres[0]}; {kept}; one commit {took[100] * 1e6:.0f} us",
            "redis": f"{info['redis_version']}; nothing on disk",
        }

    def _commit_seconds(self) -> float:
        with self.database.statement() as connection:
            began = time.perf_counter()
            connection.exec_driver_sql("INSERT INTO workers (id, queues) VALUES ('bench', '{}')")
            took = time.perf_counter() - began
            connection.exec_driver_sql("DELETE FROM workers WHERE id = 'bench'")
        return took

    @contextlib.contextmanager
    def api(self, **environment: str) -> Iterator[int]:
        """Serve the API, with the routes of the figures, and give its port."""
        port = free_port()
        command = ["gunicorn", "--config", "python:config.gunicorn", "bench.web:create_app()"]
        environment |= {"PORT": str(port), "WEB_PROCESSES": str(PROCESSES)}
        with self.process(command, **environment):
            wait_until(lambda: _answers(port), "the API answers")
            yield port

    @contextlib.contextmanager
    def workers(self, **environment: str) -> Iterator[list[psutil.Process]]:
        """Run `python -m workers` and wait until its processes listen."""
        environment |= {"WORKER_PROCESSES": str(PROCESSES)}
        with self.process(["workers"], **environment) as process:
            self._wait_for_workers()
            yield [process]

    @contextlib.contextmanager
    def stock_workers(self, pool: str) -> Iterator[list[psutil.Process]]:
        """Run our application under Celery's own command and pool."""
        command = ["celery", "-A", "workers", "worker", "--pool", pool]
        with self.process([*command, "--concurrency", str(PROCESSES)]) as process:
            self._wait_for_workers()
            yield [process]

    @contextlib.contextmanager
    def bare_workers(self, pool: str, concurrency: int) -> Iterator[list[psutil.Process]]:
        """Run the bare Celery application, with as many slots altogether as our workers have."""
        command = ["celery", "-A", "bench.bare", "worker", "--pool", pool]
        command += ["--concurrency", str(concurrency)]
        with contextlib.ExitStack() as stack:
            started = [
                stack.enter_context(self.process([*command, "--hostname", f"bare{n}@%h"]))
                for n in range(PROCESSES // concurrency)
            ]
            # Each that listens keeps a blocked client.
            wait_until(lambda: self._listeners() >= len(started), "Celery's workers listen")
            yield started

    def _listeners(self) -> int:
        clients: Any = self.redis.client_list()
        return sum(1 for client in clients if client["cmd"] == "brpop")

    def _wait_for_workers(self) -> None:
        self.sql("DELETE FROM workers")
        wait_until(
            lambda: self.sql("SELECT count(*) FROM workers")[0][0] >= PROCESSES, "workers listen"
        )

    @contextlib.contextmanager
    def process(self, command: list[str], **environment: str) -> Iterator[psutil.Process]:
        """Run a Python module with the environment of these servers."""
        log = self._servers.folder / f"{command[0]}.log"
        with log.open("ab") as out:
            started = spawn(
                [sys.executable, "-m", *command],
                cwd=_ROOT,
                env={
                    **os.environ,
                    **self._servers.environment,
                    "TASK_MODULES": noop.__name__,
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        process = psutil.Process(started.pid)
        try:
            yield process
        except BaseException:
            print(f"{log.name}: {log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
            raise
        finally:
            _end(started, process)

    def backends_memory(self) -> int:
        """Return the private memory of PostgreSQL's processes together; bytes."""
        (backend,) = self.sql("SELECT pg_backend_pid()")
        server = psutil.Process(backend[0]).parent()
        total = 0
        for process in server.children() if server else ():
            with contextlib.suppress(psutil.Error, OSError):
                total += _status(process.pid, "RssAnon")
        return total


def peak_memory(process: psutil.Process) -> int:
    """Return the most memory that a process ever held; bytes."""
    return _status(process.pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def wait_until(condition: Callable[[], Any], what: str, *, pause: float = 0.02) -> None:
    """Wait until a condition is true.

    Raises:
        BenchFailed: it does not become true.
    """
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise BenchFailed(f"waited in vain until {what}")
        time.sleep(pause)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError, load.LoadFailed):
        return bool(load.ask(port, load.get("/healthz")))
    return False


def _end(started: subprocess.Popen[bytes], process: psutil.Process) -> None:
    """End a process with all its children."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = process.children(recursive=True)
        started.terminate()
        try:
            started.wait(15)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)
    started.wait()
