from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import psycopg2
import pytest
import redis

from config.embedded import EmbeddedFailed, Servers
from config.processes import spawn
from config.stack import Stack, free_port, procfile
from tests.conftest import ROOT, wait_until


def answer_of(servers: Servers) -> tuple[int, bool]:
    """Ask both servers something."""
    with (
        contextlib.closing(psycopg2.connect(servers.postgres.url)) as connection,
        redis.Redis.from_url(servers.redis.url) as client,
    ):
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0], client.ping()


def living(folder: object) -> list[psutil.Process]:
    """Return the processes that work in a folder or name it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            # Redis writes its title over its environment.
            named = [*process.cmdline(), *process.environ().values(), process.cwd()]
            if str(folder) in " ".join(named) and process.pid != os.getpid():
                found.append(process)
    return found


def test_two_pairs_of_servers_run_beside_each_other(servers, tmp_path):
    with Servers(tmp_path / "other").running() as other:
        assert other.postgres.url != servers.postgres.url
        assert other.redis.url != servers.redis.url
        assert answer_of(other) == (1, True)


def test_servers_need_no_port(servers):
    listening = [
        connection
        for process in living(servers.folder)
        for connection in process.net_connections(kind="inet")
        if process.name() in {"postgres", "redis-server"}
    ]

    assert listening == []


def test_a_folder_of_any_depth_will_do(tmp_path):
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 6)

    with Servers(deep).running() as running:
        sockets = running.redis.url.removeprefix("unix://").rpartition("/")[0]
        answered = answer_of(running)

    assert answered == (1, True)
    assert not os.path.exists(sockets)  # noqa: PTH110


def test_what_was_stored_is_there_after_a_new_start(tmp_path):
    first = Servers(tmp_path)
    with first.running():
        connection = psycopg2.connect(first.postgres.url)
        connection.cursor().execute("CREATE TABLE kept (n integer)")
        connection.commit()
        connection.close()

    with Servers(tmp_path).running() as second:
        connection = psycopg2.connect(second.postgres.url)
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM kept")
        found = cursor.fetchone()
        connection.close()

    assert found == (0,)


def test_a_server_that_cannot_start_says_why(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("7")

    with pytest.raises(EmbeddedFailed, match="did not start"), Servers(tmp_path).running():
        pass


def test_a_child_ends_with_its_parent_however_that_ends(tmp_path):
    kept = tmp_path / "pid"
    code = (
        "import sys, time\nfrom config.processes import spawn\n"
        f"child = spawn(['sleep', '600'])\nopen({str(kept)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )
    parent = spawn([sys.executable, "-c", code], cwd=ROOT)
    pid = int(wait_until(lambda: kept.exists() and kept.read_text()))

    parent.kill()
    parent.wait()

    wait_until(lambda: not psutil.pid_exists(pid))


def test_the_procfile_names_the_processes_of_production():
    assert sorted(procfile()) == [
        "release",
        "sandbox-provider",
        "watchlist-provider",
        "web",
        "worker",
    ]


class Launched:
    """`python -m config.stack` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.stack", "--data", str(folder), "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.said = ""
        while "Ctrl-C" not in self.said:
            line = self.process.stdout.readline()
            assert line, "the stack ended"
            self.said += line

    @property
    def url(self) -> str:
        """Where its API is."""
        return self.said.split()[1]

    @property
    def genesis(self) -> str:
        """The hash of the first block of the chain that its processes are led to."""
        words = shlex.split((self.folder / "environment").read_text(), posix=True)
        (url,) = (word.partition("=")[2] for word in words if word.startswith("CHAIN_RPC_URL="))
        asked = {"id": 1, "method": "eth_getBlockByNumber", "params": ["earliest", False]}
        return httpx.post(url, json=asked).json()["result"]["hash"]


@pytest.fixture
def launch(tmp_path):
    launched: list[Launched] = []

    def start() -> Launched:
        launched.append(Launched(tmp_path / "data"))
        return launched[-1]

    yield start
    for one in launched:
        one.process.kill()
        one.process.wait()
        one.process.stdout.close()


def end(stack: Launched, number: signal.Signals) -> int:
    """Tell a stack to end and return its exit status."""
    stack.process.send_signal(number)
    return stack.process.wait(60)


def test_a_stack_that_is_interrupted_leaves_no_process(launch):
    stack = launch()

    assert end(stack, signal.SIGINT) == 0
    assert living(stack.folder) == []


def test_a_stack_that_is_killed_leaves_no_process_and_runs_and_ends_again(launch):
    first = launch()
    before, genesis = living(first.folder), first.genesis

    first.process.kill()
    first.process.wait()
    wait_until(lambda: living(first.folder) == [])
    second = launch()

    assert {"postgres", "redis-server"} <= {p.name() for p in living(second.folder)}
    assert len(before) > 6
    assert second.genesis == genesis
    assert httpx.get(f"{second.url}/readyz").json() == {
        "status": "ok",
        "postgresql": "ok",
        "redis": "ok",
    }
    assert end(second, signal.SIGTERM) == 0
    assert living(second.folder) == []


def test_a_port_that_is_taken_is_a_clear_end(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(EmbeddedFailed) as failed, Stack(tmp_path, port=port).running():
            pass

    assert str(failed.value) == f"web ended at once: see {tmp_path / 'web.log'}"
    assert living(tmp_path) == []


def test_a_free_port_is_none_that_a_connection_takes_by_itself():
    text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    first = int(text.split()[0])

    assert all(1024 < free_port() < first for _ in range(20))


def test_a_free_port_is_free():
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[1] > 1023
