"""ledger: transactions from dispatch to finality, beside what the node takes when it is alone."""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from bench import inscribe, noop
from bench.bed import PROCESSES, wait_until
from bench.report import Table, number
from config.settings import Settings
from config.stack import free_port
from tasks.clients.ledger import JsonRpc
from tasks.job.dispatch import dispatching
from tasks.job.queue import Ringer
from tasks.ledger.abi import encode_call
from tasks.ledger.signers import Fees, Order, Signers
from tasks.records import ledger as records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.__main__ import Scale
    from bench.bed import Bed

#: Transactions in flight, and how many are sent altogether with so many.
_IN_FLIGHT = {1: 20, 100: 600, 1000: 2000}
_QUICK = {1: 3, 20: 40}
#: Raw transactions that the node is given at once, by somebody who only sends.
_BATCH = 50
_words = itertools.count()


class Rate(NamedTuple):
    """How fast transactions became final."""

    name: str
    count: int
    seconds: float


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Send raw transactions to the node, then as many as jobs, with so many in flight."""
    loads = _IN_FLIGHT if scale.job_rounds > 1 else _QUICK
    ours, theirs = secrets.token_hex(32), secrets.token_hex(32)
    with TemporaryDirectory() as folder, _node(bed, Path(folder), f"{ours} {theirs}") as url:
        environment = {
            "CHAIN_RPC_URL": url,
            "CHAIN_KEYS": ours,
            "TASK_MODULES": f"{noop.__name__} {inscribe.__name__}",
        }
        with bed.workers(**environment), bed.api(**environment) as port:
            wait_until(lambda: _contract(bed), "the contracts are deployed")
            rates = [_raw(bed, url, theirs, max(loads.values()))]
            rates += [_jobs(bed, window, count) for window, count in loads.items()]
            waits = [_receipt_to_poll(bed, url, port) for _ in range(min(loads.values()))]
    bed.clear()
    yield _table(rates, waits)


@contextlib.contextmanager
def _node(bed: Bed, folder: Path, keys: str) -> Iterator[str]:
    port = free_port()
    environment = {
        "DEVCHAIN_FILE": str(folder / "chain.sqlite"),
        "DEVCHAIN_PORT": str(port),
        "CHAIN_KEYS": keys,
    }
    url = f"http://127.0.0.1:{port}"
    with bed.process(["tasks.providers.devchain"], **environment):
        wait_until(lambda: _answers(url), "the node answers")
        yield url


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
        return True
    return False


def _contract(bed: Bed) -> str | None:
    with bed.database.statement() as connection:
        return records.contract(connection, "CredentialRegistry")


def _raw(bed: Bed, url: str, key: str, count: int) -> Rate:
    """Send signed transactions as fast as the node takes them, until the last is final."""
    with JsonRpc(url, seconds=60) as node:
        chain_id, _ = node.identity()
        settings = Settings(database_url="-", redis_url="-", chain_keys=(key,))
        signers = Signers.from_settings(settings, chain_id)
        (sender,) = signers.addresses
        first = _data()
        quote = node.quote(sender, _contract(bed), first)
        fees = Fees(4 * quote.base_fee + quote.tip, quote.tip)
        signed = [
            signers.sign(
                sender, Order(chain_id, n, _contract(bed), _data(), quote.gas * 5 // 4), fees
            )
            for n in range(count)
        ]
        began = time.monotonic()
        for at in range(0, count, _BATCH):
            node.send([one.raw for one in signed[at : at + _BATCH]])
        wait_until(lambda: node.count(sender, "finalized") == count, "the last is final")
        return Rate("raw transactions, sent at once", count, time.monotonic() - began)


def _data() -> bytes:
    call = inscribe.inscription(f"word {next(_words)}")
    return encode_call(*call)


def _jobs(bed: Bed, window: int, count: int) -> Rate:
    """Dispatch jobs so that no more than a window of them is in flight, until all have ended."""
    bed.clear()
    ringer = Ringer(bed.settings)
    began = time.monotonic()
    sent = 0
    while (done := _done(bed)) < count:
        room = min(window - (sent - done), count - sent)
        if room > 0:
            with dispatching(bed.database, ringer) as dispatch:
                for _ in range(room):
                    word = {"word": f"word {next(_words)}"}
                    dispatch.add(inscribe.NAME, word, tenant="bench")
            sent += room
        time.sleep(0.005)
    return Rate(f"jobs, {window:,} in flight", count, time.monotonic() - began)


def _done(bed: Bed) -> int:
    ((done,),) = bed.sql("SELECT count(*) FROM jobs WHERE state = 'completed'")
    return int(done)


def _receipt_to_poll(bed: Bed, url: str, port: int) -> tuple[float, float]:
    """Return the seconds from a job's final block, and from its receipt, to its completed poll."""
    ringer = Ringer(bed.settings)
    with dispatching(bed.database, ringer) as dispatch:
        job = dispatch.add(inscribe.NAME, {"word": f"word {next(_words)}"}, tenant="bench")
    seen: dict[str, float] = {}
    with JsonRpc(url, seconds=10) as node:
        while "completed" not in seen:
            _look(bed, node, job, port, seen)
    return seen["completed"] - seen["final"], seen["completed"] - seen["receipt"]


def _look(bed: Bed, node: JsonRpc, job: str, port: int, seen: dict[str, float]) -> None:
    asked = "SELECT hash FROM ledger_attempts JOIN ledger_transactions t ON t.id = transaction_id"
    signed = bed.sql(f"{asked} WHERE job_id = %s", job)
    found = node.receipts([signed[0][0]]) if signed else {}
    for receipt in found.values():
        seen.setdefault("receipt", time.monotonic())
        final = node.block("finalized")
        if final and final.number >= receipt.block_number:
            seen.setdefault("final", time.monotonic())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/jobs/{job}") as answer:
        if json.load(answer)["status"] == "completed":
            now = time.monotonic()
            seen.setdefault("final", now)
            seen["completed"] = now


def _weight() -> tuple[float, float]:
    """Return the seconds and the bytes that the chain client adds to a worker."""
    script = (
        "import time, psutil; import workers.runner, tasks.clients.ledger; p = psutil.Process();"
        "m = p.memory_info().rss; t = time.perf_counter(); import tasks.ledger.engine;"
        "print(time.perf_counter() - t, p.memory_info().rss - m)"
    )
    found = [
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
        for _ in range(3)
    ]
    pairs = [list(map(float, one.stdout.split())) for one in found]
    return median(seconds for seconds, _ in pairs), median(size for _, size in pairs)


def _table(rates: list[Rate], waits: list[tuple[float, float]]) -> Table:
    limit = rates[0].count / rates[0].seconds
    speeds = {one: one.count / one.seconds for one in rates}
    rows = [
        [one.name, f"{one.count:,}", number(speed), f"{speed / limit:.2f}"]
        for one, speed in speeds.items()
    ]
    seconds, size = _weight()
    final, receipt = (median(values) * 1e3 for values in zip(*waits, strict=True))
    return Table(
        f"ledger: transactions to finality, {PROCESSES} worker processes, one signer",
        ["", "transactions", "final/s", "of the node's own"],
        rows,
        [
            f"To the completed poll: {final:.0f} ms from finality, {receipt:.0f} from the receipt.",
            f"A worker's first transaction loads {seconds * 1e3:.0f} ms, {size / 2**20:.0f} MB.",
        ],
    )
