"""Member imports: a real file, and a crowd whose import is killed half-way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psutil

from bench.demo.guide import ROOT, DemoFailed, heading
from bench.rows import HEADER, member_rows

if TYPE_CHECKING:
    from bench.demo.guide import Guide
    from config.stack import Stack

LEGISLATORS = ROOT.parent / "shared" / "data" / "members" / "legislators.csv"
_SAMPLE = ROOT / "bench" / "sample_members.csv"
#: Rows of the second import.
_CROWD = 200_000


def show_import(guide: Guide, org: str) -> None:
    """Import a file of members, watch it, and read the answers."""
    file = LEGISLATORS if LEGISLATORS.exists() else _SAMPLE
    rows = len(file.read_text().splitlines()) - 1
    heading(f"Member import: {rows} rows of {file.name} become members of an organization")
    path = f"/organizations/{org}/members"
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "demo"}
    accepted = guide.show("POST", path, content=file.read_bytes(), headers=headers)
    job = accepted["jobId"]
    guide.watch(
        lambda: guide.get(f"{path}/job/{job}"),
        lambda poll: (poll["progress"], poll["progress"] == 100),
    )
    done = guide.show("GET", f"{path}/job/{job}")
    guide.show("GET", f"/jobs/{job}")
    guide.show("GET", f"{path}?limit=1")
    guide.show("GET", f"/organizations/{org}/jobs?type=org_members")
    if done["added"] != rows or done["total"] != rows:
        raise DemoFailed(f"{rows} rows went in, {done['added']} members came out")
    again = guide.show("POST", path, content=file.read_bytes(), headers=headers)
    if again != accepted:
        raise DemoFailed("the same request with the same Idempotency-Key was another job")


def show_crash(guide: Guide, org: str) -> None:
    """Import many rows, and kill every worker process in the middle."""
    heading(f"{_CROWD:,} invented members, and kill -9 for every worker process half-way")
    path = f"/organizations/{org}/members"
    before = guide.get(f"{path}?limit=1")["pagination"]["totalItems"]
    file = HEADER + b"".join(member_rows(_CROWD))
    accepted = guide.show("POST", path, content=file, headers={"Content-Type": "text/csv"})
    job = accepted["jobId"]
    victims: list[int] = []

    def read(poll: dict[str, Any]) -> tuple[int, bool]:
        if poll["progress"] >= 50 and not victims:
            victims.extend(_kill_workers(guide.stack))
        return poll["progress"], poll["progress"] == 100

    guide.watch(lambda: guide.get(f"{path}/job/{job}"), read)
    done = guide.get(f"{path}/job/{job}")
    print(f"\n  killed: {victims}; added: {done['added']:,} of {done['total']:,},", end=" ")
    print(f"with {len(done['errors'])} of its row errors shown, such as {done['errors'][:2]}")
    members = guide.get(f"{path}?limit=1")["pagination"]["totalItems"]
    if not done["added"] == done["total"] == _CROWD or members != _CROWD + before:
        raise DemoFailed(f"{_CROWD} rows went in, {members} members are there")


def _kill_workers(stack: Stack) -> list[int]:
    """Kill every child of the worker as hard as it gets, and return their ids."""
    children = psutil.Process(stack.processes["worker"].pid).children()
    for child in children:
        child.kill()
    return [child.pid for child in children]
