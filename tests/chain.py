"""Development chains as processes: one for the session, and others that a test may kill."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from eth_account import Account

from config.processes import spawn
from config.stack import free_port

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
#: A private key that only tests use.
KEY = "5e" * 32
#: How soon a block is made while the chain is not paused; seconds.
BLOCK_SECONDS = 0.05
#: Python's own.
_RECURSION_LIMIT = 1_000


class Failed(Exception):
    """The node answered with an error; it has the error's `code`, `message` and `data`."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: str | None = error.get("data")


class Devchain:
    """A node with the controls for tests, over a file that outlives its process."""

    def __init__(self, folder: Path, **environment: str) -> None:
        #: The funded account's private key in hexadecimal digits, and its address.
        self.key = KEY
        self.address: str = Account.from_key(KEY).address
        self.file = folder / "chain.sqlite"
        self.log = folder / "devchain.log"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._environment = environment
        self._client = httpx.Client(timeout=60)
        self._numbers = itertools.count(1)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, on the same port and file as before, and wait until it answers."""
        environment = {
            **os.environ,
            "DEVCHAIN_FILE": str(self.file),
            "DEVCHAIN_PORT": str(self._port),
            "DEVCHAIN_CONTROLS": "true",
            "CHAIN_KEYS": self.key,
            "BLOCK_SECONDS": str(BLOCK_SECONDS),
            **self._environment,
        }
        with self.log.open("ab") as out:
            command = [sys.executable, "-m", "tasks.providers.devchain"]
            self.process = spawn(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(httpx.TransportError):
                self._client.get(self.url)
                return
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """End the process with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the process with SIGTERM."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process:
            self.process.send_signal(number)
            self.process.wait(30)
            self.process = None

    def close(self) -> None:
        """End the process for good."""
        self.stop()
        self._client.close()

    def post(self, asked: Any) -> httpx.Response:
        """Send anything as JSON."""
        return self._client.post(self.url, json=asked)

    def rpc(self, method: str, *params: Any) -> Any:
        """Return the result of a method.

        Raises:
            Failed: it answered with an error.
        """
        number = next(self._numbers)
        asked = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        answer = self.post(asked).json()
        assert answer["id"] == number
        if "error" in answer:
            raise Failed(answer["error"])
        return answer["result"]

    def new_key(self) -> str:
        """Make a private key of a funded account of one's own; this mines a block."""
        account = Account.create()
        self.rpc("anvil_setBalance", account.address, hex(10**24))
        return account.key.hex()

    def mine(self, blocks: int = 1) -> None:
        """Make blocks now."""
        self.rpc("evm_mine", {"blocks": blocks})

    def pause(self) -> None:
        """Have no blocks made but by `mine`."""
        self.rpc("evm_setIntervalMining", 0)

    def resume(self) -> None:
        """Have blocks made again."""
        self.rpc("evm_setIntervalMining", BLOCK_SECONDS)


@pytest.fixture(autouse=True)
def _shallow() -> None:
    """Keep Python's own bound on recursion.

    py-evm and py_ecc raise it for whatever imports them, and then a deep nest of JSON, which tests
    send to everything, would not be refused but end the process.
    """
    sys.setrecursionlimit(_RECURSION_LIMIT)


@pytest.fixture(scope="session")
def devchain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devchain]:
    """A chain for every test that neither pauses, reorganizes nor kills it."""
    made = Devchain(tmp_path_factory.mktemp("devchain"))
    made.start()
    yield made
    made.close()


@pytest.fixture
def new_devchain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Devchain]]:
    """Start a chain of this test's own; keyword arguments are environment variables."""
    started: list[Devchain] = []

    def start(**environment: str) -> Devchain:
        made = Devchain(tmp_path_factory.mktemp("devchain"), **environment)
        started.append(made)
        made.start()
        return made

    yield start
    for made in started:
        made.close()
