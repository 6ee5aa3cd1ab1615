"""`make demo`: the whole service on this machine, shown through its HTTP API."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from bench.demo.credentials import show_credentials
from bench.demo.elections import show_election
from bench.demo.guide import ROOT, DemoFailed, Guide
from bench.demo.income import show_income
from bench.demo.members import show_crash, show_import
from bench.demo.screening import show_screening
from config.embedded import EmbeddedFailed
from config.stack import Stack, interruptible

if TYPE_CHECKING:
    import threading


def show_everything(stack: Stack, told: threading.Event) -> None:
    """Show every API, as an organization and a service that were made for it."""
    made = dict(line.split("=", 1) for line in stack.command("sample").splitlines())
    org = made["ORG"]
    voting = Guide(stack, told, Authorization=f"Bearer {made['KEY']}")
    show_import(voting, org)
    show_screening(Guide(stack, told, Authorization=f"ApiKey {made['SERVICE']}"))
    show_election(voting, org)
    show_credentials(Guide(stack, told, Authorization=f"Bearer {made['TOKEN']}"))
    client, _, secret = made["CLIENT"].partition(":")
    show_income(Guide(stack, told, X_Access_Client_Id=client, X_Access_Secret=secret))
    show_crash(voting, org)


def main() -> int:
    """Run the demo over a stack of its own."""
    told = interruptible()
    (ROOT / ".data").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=ROOT / ".data"))
    began = time.monotonic()
    try:
        print("Starting PostgreSQL, Redis, a chain, the API and its workers ...", flush=True)
        with Stack(folder).running() as stack:
            print(f"Ready at {stack.url} after {time.monotonic() - began:.1f} s.")
            show_everything(stack, told)
    except (DemoFailed, EmbeddedFailed, httpx.HTTPError, subprocess.CalledProcessError) as failed:
        print(f"\n{failed}\nThe logs are in {folder}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    with contextlib.suppress(ValueError):
        folder = folder.relative_to(Path.cwd())
    print(f"\nEverything has ended; the data and the logs are in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
