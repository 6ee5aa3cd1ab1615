"""`python -m bench [NAME ...]`: take the figures, print them, leave nothing behind."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from bench.bed import Bed
from bench.report import conditions
from config import logs
from config.embedded import Servers

FIGURES = (
    "dispatch", "poll", "jobs", "observed", "imports", "screening", "quality", "ledger", "income",
    "operators",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured."""

    #: Rounds of each contestant, in turn with the others.
    rounds: int
    #: How long one round loads an HTTP route.
    seconds: float
    #: Numbers of stored jobs beside which polls are timed.
    jobs: tuple[int, ...]
    #: No-op jobs in a round, and rounds of those.
    noops: int
    job_rounds: int
    #: Sizes of the files that are imported; the last is the figure.
    rows: tuple[int, ...]
    #: Imports of each file.
    imports: int
    #: Names that are screened.
    screenings: int
    #: Names that are searched for each share of the quality of matching.
    searches: int
    #: Accounts that are connected in a round, and tasks that wait for a code.
    connections: int
    waiting: int
    #: Tasks that Flower is told of.
    tasks: int


FULL = Scale(
    rounds=11,
    seconds=0.8,
    jobs=(10_000, 2_000_000),
    noops=3000,
    job_rounds=3,
    rows=(100_000, 1_000_000),
    imports=3,
    screenings=1000,
    searches=2000,
    connections=100,
    waiting=2000,
    tasks=1_000_000,
)
QUICK = Scale(
    rounds=1,
    seconds=0.3,
    jobs=(1000, 20_000),
    noops=300,
    job_rounds=1,
    rows=(2000, 10_000),
    imports=1,
    screenings=20,
    searches=100,
    connections=6,
    waiting=40,
    tasks=2000,
)


def main() -> int:
    """Take the figures that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FIGURES))
    parser.add_argument("--quick", action="store_true", help="see that it works; no figures")
    arguments = parser.parse_args()
    names = arguments.names or FIGURES
    if unknown := set(names) - set(FIGURES):
        parser.error(f"no such figure: {', '.join(unknown)}")
    # Ended from outside, everything is still taken down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    logs.configure("WARNING")  # what is dispatched here is no news
    sys.excepthook = sys.__excepthook__  # whoever takes figures reads why there are none
    scale = QUICK if arguments.quick else FULL
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="jobspine-bench-") as folder,
        Servers(Path(folder)).running() as servers,
    ):
        os.environ.update(servers.environment)
        bed = Bed(servers)
        print(
            f"{conditions(bed.facts())}\nrounds     {scale.rounds}, alternating; median (range)\n"
        )
        for name in names:
            for table in import_module(f"bench.{name}").figure(bed, scale):
                print(table, flush=True)
        bed.close()
    print(f"{time.monotonic() - began:.0f} s; nothing is kept.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
