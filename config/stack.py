"""`python -m config.stack`: the processes of the Procfile over embedded servers, staying up."""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from config.embedded import EmbeddedFailed, Servers
from config.processes import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_ROOT = Path(__file__).parent.parent
#: Where `make run` listens if it can.
_PORT = 8000
#: How long the API may take to be ready, and a process to end when it is told to; seconds.
_READY_SECONDS, _END_SECONDS = 60.0, 30.0
#: A laptop's chain, which as PostgreSQL and Redis is no part of the Procfile.
_CHAIN = "devchain"


class Stack:
    """PostgreSQL, Redis, a chain, and every process of the Procfile, in one data folder."""

    def __init__(self, folder: Path, *, port: int = 0, **environment: str) -> None:
        self.servers = Servers(folder)
        self.url = f"http://127.0.0.1:{port or free_port()}"
        self._watchlists = self._provide_watchlists()
        self._chain = self._provide_chain()
        self._accounts = self._provide_accounts()
        #: What processes and shells need beside the addresses of the servers.
        self._own = {
            "JWT_KEY": self._secret("jwt"),
            "SEALING_KEYS": self._secret("sealing", _fernet_key),
            "METRICS_TOKEN": self._secret("metrics"),
            "PUBLIC_URL": self.url,
            "WEBHOOKS_MAY_BE_PRIVATE": "true",
            **self._watchlists,
            **self._chain,
            **self._accounts,
        }
        self.environment: Mapping[str, str] = {
            **os.environ,
            # What the Procfile names is found in the virtual environment that runs this.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PORT": self.url.rpartition(":")[2],
            **self._own,
            **self.servers.environment,
            **environment,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def _provide_watchlists(self) -> dict[str, str]:
        """Return where the watchlist provider listens and finds its lists: yours, or a sample.

        Nothing where the environment names a provider that runs already.
        """
        if os.environ.get("WATCHLIST_URL"):
            return {}
        port = str(free_port())
        return {
            "WATCHLIST_PROVIDER_PORT": port,
            "WATCHLIST_URL": f"http://127.0.0.1:{port}",
            "WATCHLIST_KEY": self._secret("watchlist"),
            "LISTS_FOLDER": os.environ.get("LISTS_FOLDER") or str(lists_folder()),
        }

    def _provide_accounts(self) -> dict[str, str]:
        """Return where the sandbox provider listens and keeps its state.

        Nothing where the environment names a provider that runs already.
        """
        if os.environ.get("ACCOUNTS_URL"):
            return {}
        port = str(free_port())
        return {
            "SANDBOX_PROVIDER_PORT": port,
            "ACCOUNTS_URL": f"http://127.0.0.1:{port}",
            "SANDBOX_FILE": str(self.servers.folder / "sandbox.sqlite"),
        }

    def _provide_chain(self) -> dict[str, str]:
        """Return where the development chain listens, and the key of the account that it funds.

        Nothing where the environment names a node that runs already.
        """
        if os.environ.get("CHAIN_RPC_URL"):
            return {}
        port = str(free_port())
        return {
            "DEVCHAIN_PORT": port,
            "DEVCHAIN_FILE": str(self.servers.folder / "chain.sqlite"),
            "CHAIN_RPC_URL": f"http://127.0.0.1:{port}",
            "CHAIN_KEYS": self._secret("chain"),
        }

    def _secret(self, name: str, make: Callable[[], str] = lambda: os.urandom(32).hex()) -> str:
        """Return a secret of this folder, made on first use."""
        kept = self.servers.folder / f"{name}.key"
        if not kept.exists():
            kept.touch(mode=0o600)
            kept.write_text(make())
        return kept.read_text()

    @contextlib.contextmanager
    def running(self) -> Iterator[Stack]:
        """Run everything for as long as the block; nothing survives it.

        Raises:
            EmbeddedFailed: something did not start.
        """
        commands = procfile()
        if not self._watchlists:
            del commands["watchlist-provider"]
        if not self._accounts:
            del commands["sandbox-provider"]
        with self.servers.running():
            try:
                if self._chain:
                    self.start(_CHAIN, "python -m tasks.providers.devchain")
                    self._wait_until_ready({_CHAIN: self._chain["CHAIN_RPC_URL"]})
                if self.start("release", commands.pop("release")).wait() != 0:
                    raise EmbeddedFailed(f"the migrations failed: {self.log('release')}")
                for name, command in commands.items():
                    self.start(name, command)
                waiting = {"web": f"{self.url}/readyz"}
                if self._watchlists:
                    provider = self._watchlists["WATCHLIST_URL"]
                    waiting["watchlist-provider"] = f"{provider}/healthz"
                if self._accounts:
                    provider = self._accounts["ACCOUNTS_URL"]
                    waiting["sandbox-provider"] = f"{provider}/healthz"
                self._wait_until_ready(waiting)
                yield self
            finally:
                self.stop()

    def log(self, name: str) -> Path:
        """Return the file that holds what a process wrote."""
        return self.servers.folder / f"{name}.log"

    def command(self, *words: str) -> str:
        """Run one of the application's own commands and return what it printed.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        return subprocess.run(  # noqa: S603 - the commands are ours
            [sys.executable, "-m", "flask", "--app", "app", *words],
            cwd=_ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def environment_file(self) -> Path:
        """Write what leads a shell to this stack into a file for it to read; return the file."""
        names = (*self.servers.environment, *self._own)
        file = self.servers.folder / "environment"
        file.touch(mode=0o600)
        lines = (f"export {name}={shlex.quote(self.environment[name])}\n" for name in names)
        file.write_text("".join(lines))
        return file

    def fallen(self) -> str | None:
        """Return the name of a process that ended by itself, if one did."""
        running = (name for name, process in self.processes.items() if name != "release")
        return next((name for name in running if self.processes[name].poll() is not None), None)

    def stop(self) -> None:
        """End the processes: the API first, so that nothing new comes in; the chain after all."""
        chain = self.processes.pop(_CHAIN, None)
        self._end(list(self.processes.values()))
        if chain:
            self._end([chain])

    @staticmethod
    def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
        for process in processes:
            if process.poll() is None:
                process.terminate()
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
            if process.poll() is None:
                process.kill()
                process.wait()

    def start(self, name: str, command: str) -> subprocess.Popen[bytes]:
        """Start a process of this stack under a name."""
        with self.log(name).open("ab") as out:
            self.processes[name] = spawn(
                ["/bin/sh", "-c", f"exec {command}"],
                cwd=_ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        return self.processes[name]

    def _wait_until_ready(self, waiting: dict[str, str]) -> None:
        """Wait until processes answer at their addresses."""
        deadline = time.monotonic() + _READY_SECONDS
        while waiting and time.monotonic() < deadline:
            if name := self.fallen():
                raise EmbeddedFailed(f"{name} ended at once: see {self.log(name)}")
            for name, address in tuple(waiting.items()):
                with contextlib.suppress(urllib.error.URLError, OSError):
                    urllib.request.urlopen(address, timeout=2).close()  # noqa: S310
                    del waiting[name]
            time.sleep(0.05)
        for name in waiting:
            raise EmbeddedFailed(f"{name} did not get ready: see {self.log(name)}")


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


#: Ports that the system gives to no connection by itself: none is taken between being found free
#: and being listened to, and of two stacks that start together hardly one takes the other's.
_PORTS = range(20_000, 32_000)
#: Where real watchlists may lie beside this project, and lists of invented names.
_REAL_LISTS, SAMPLE_LISTS = _ROOT.parent / "shared" / "data", _ROOT / "bench" / "sample_lists"


def lists_folder() -> Path:
    """Return where real watchlists lie beside this project, or else the invented sample."""
    return _REAL_LISTS if (_REAL_LISTS / "ofac").is_dir() else SAMPLE_LISTS


def is_sample(folder: Path) -> bool:
    """Tell whether a folder holds the invented lists."""
    return folder == SAMPLE_LISTS


def procfile() -> dict[str, str]:
    """Return the commands of the Procfile by the name of their process."""
    lines = (_ROOT / "Procfile").read_text().splitlines()
    pairs = (line.partition(":") for line in lines if line.strip())
    return {name.strip(): command.strip() for name, _, command in pairs}


def free_port(wanted: int = 0) -> int:
    """Return the wanted port, or another one where somebody listens on that already."""
    port = wanted or secrets.choice(_PORTS)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return free_port()
    return port


def interruptible() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set, in place of what they did before."""
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: told.set())
    return told


def main() -> int:
    """Run the stack until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_ROOT / ".data" / "run")
    parser.add_argument("--port", type=int, help="8000, or any free one where that is taken")
    arguments = parser.parse_args()
    told = interruptible()
    try:
        port = arguments.port if arguments.port is not None else free_port(_PORT)
        with Stack(arguments.data, port=port).running() as stack:
            _introduce(stack)
            if port != (arguments.port or _PORT):
                print(f"Port {_PORT} is taken by another program.", flush=True)
            while not told.wait(0.5):
                if name := stack.fallen():
                    how = f"{name} ended by itself with {stack.processes[name].returncode}"
                    print(f"{how}: see {stack.log(name)}", file=sys.stderr)
                    return 1
            print("Stopping: running jobs are handed back.", flush=True)
    except EmbeddedFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


def _introduce(stack: Stack) -> None:
    """Print where everything is, with an organization and credentials to try it with."""
    made = stack.command("sample")
    print(f"API        {stack.url}\nReference  {stack.url}/docs\nDashboard  {stack.url}/dashboard")
    print(f"Metrics    {stack.url}/metrics with the bearer token METRICS_TOKEN of the commands")
    print(f"Data       {stack.servers.folder}")
    print(f"Commands   . {stack.environment_file()} && {sys.executable} -m flask --app app --help")
    print(f"{made}Ctrl-C ends everything.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
