"""Foundry's node, a second opinion where npm is at hand: what holds on ours must hold on it."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from eth_account import Account

from config.processes import spawn
from config.stack import free_port
from tests.conftest import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PACKAGE = "@foundry-rs/anvil-linux-amd64@1.7.1"
#: The first of its well-known accounts, which it funds.
_KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


class Anvil:
    """A node of another make, with a block each second and nothing kept for long."""

    def __init__(self, folder: Path) -> None:
        program = folder / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.key = _KEY
        self.address: str = Account.from_key(_KEY).address
        self._client = httpx.Client(timeout=30)
        self._numbers = itertools.count(1)
        #: Without pruning it fills the disk; without slots of one block nothing is final.
        options = ["--block-time", "1", "--slots-in-an-epoch", "1", "--prune-history", "64"]
        with (folder / "anvil.log").open("wb") as out:
            command = [str(program), "--port", str(port), *options]
            self._process = spawn(command, stdout=out, stderr=out)
        wait_until(self._answers)

    def rpc(self, method: str, *params: Any) -> Any:
        """Return the result of a method."""
        asked = {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": params}
        return self._client.post(self.url, json=asked).json()["result"]

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)
        self._client.close()

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return bool(self.rpc("eth_chainId"))
        return False


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[Anvil]:
    """Foundry's node; without npm there is none."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not at hand to install anvil with")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", _PACKAGE]
    installed = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    if installed.returncode:
        pytest.skip("npm does not get anvil")
    made = Anvil(tmp_path)
    yield made
    made.close()
