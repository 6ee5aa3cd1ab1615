"""`make demo`: the whole service on this machine, shown through its HTTP API."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from bench.rows import HEADER, member_rows
from config.embedded import EmbeddedFailed
from config.stack import Stack, interruptible, lists_folder
from tasks.providers.watchlists.un import read_un

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
LEGISLATORS = ROOT.parent / "shared" / "data" / "members" / "legislators.csv"
SAMPLE = Path(__file__).parent / "sample_members.csv"
#: Somebody whom no list knows.
CLEAN_PERSON = {
    "name": "Wilhelmina Quibblethwaite",
    "dateOfBirth": "1980-05-17",
    "role": "director",
}
_DAY = re.compile(r"\d\d/\d\d/\d{4}")
#: Rows of the second import.
CROWD = 200_000
_BAR = 40
#: How long any of the demo's jobs may take; seconds.
_PATIENCE = 60.0


class DemoFailed(Exception):
    """The service did not answer as documented."""


class Demo:
    """Sends real work through HTTP and prints what comes back."""

    def __init__(self, stack: Stack, told: Any) -> None:
        self._stack = stack
        self._told = told
        self._named = 0
        made = sample(stack)
        self._org = made["ORG"]
        headers = {"Authorization": f"Bearer {made['KEY']}"}
        self._api = httpx.Client(base_url=stack.url, headers=headers, timeout=30)
        headers = {"Authorization": f"ApiKey {made['SERVICE']}"}
        self._screening = httpx.Client(base_url=stack.url, headers=headers, timeout=30)

    def run(self) -> None:
        """Show everything."""
        self.members()
        self.screening()
        self.crash()

    def members(self) -> None:
        """Import a file of members, watch it, and read the answers."""
        file = LEGISLATORS if LEGISLATORS.exists() else SAMPLE
        rows = len(file.read_text().splitlines()) - 1
        heading(f"Member import: {rows} rows of {file.name} become members of an organization")
        path = f"/organizations/{self._org}/members"
        headers = {"Content-Type": "text/csv", "Idempotency-Key": "demo"}
        accepted = self._show("POST", path, content=file.read_bytes(), headers=headers)
        job = accepted["jobId"]
        self._watch(
            lambda: self._get(f"{path}/job/{job}"),
            lambda poll: (poll["progress"], poll["progress"] == 100),
        )
        done = self._show("GET", f"{path}/job/{job}")
        self._show("GET", f"/jobs/{job}")
        self._show("GET", f"{path}?limit=1")
        self._show("GET", f"/organizations/{self._org}/jobs?type=org_members")
        self._named = rows
        if done["added"] != rows or done["total"] != rows:
            raise DemoFailed(f"{rows} rows went in, {done['added']} members came out")
        again = self._show("POST", path, content=file.read_bytes(), headers=headers)
        if again != accepted:
            raise DemoFailed("the same request with the same Idempotency-Key was another job")

    def screening(self) -> None:
        """Screen a company with a listed person behind it, and ask again while that runs."""
        name, born = listed_person(
            Path(self._stack.environment.get("LISTS_FOLDER") or lists_folder())
        )
        heading(f"Screening: a company behind which {name}, who is on a sanctions list, may stand")
        people = [{"name": name, "dateOfBirth": born, "role": "director"}, CLEAN_PERSON]
        company = {"name": "Example Holdings Ltd", "stakeholders": [*people, *invented_people(60)]}
        made = answered(self._screening.post("/v5/verifications", json=company))
        path = f"/v5/verifications/{made['trace']}"
        print(f"\n  POST /v5/verifications\n  risk before: {made['data']['risk']}")
        job = self._screen("POST", f"{path}/watchlist")["data"]["jobId"]
        refused: dict[str, Any] = {}

        def read(data: dict[str, Any]) -> tuple[int, bool]:
            status = data["data"]["result"]["status"]
            if status == "running" and not refused:
                print(f"\n\n  GET {path}/jobs/watchlist/{job}\n  {json.dumps(data['data'])}")
                refused.update(self._screen("POST", f"{path}/watchlist"))
            is_over = status not in {"pending", "running"}
            return (100 if is_over else 50), is_over

        self._watch(lambda: answered(self._screening.get(f"{path}/jobs/watchlist/{job}")), read)
        if (refused.get("error") or {}).get("conflictingJobId") != job:
            raise DemoFailed(f"a second dispatch was not refused because of {job}: {refused}")
        self._screen("GET", f"{path}/jobs/watchlist/{job}")
        self._show_findings(path)

    def _show_findings(self, path: str) -> None:
        """Print what was found of the first two stakeholders, and the risk that follows."""
        found = answered(self._screening.get(path))["data"]
        for one in found["stakeholders"][:2]:
            at = f"{path}/stakeholders/{one['id']}/watchlist/latest"
            document = answered(self._screening.get(at))["data"]
            print(f"\n  {one['name']}: {document['totalHits']} hits, risk {one['risk']['level']}")
            for hit in document["hits"][:1]:
                print(f"  {json.dumps(hit, ensure_ascii=False)[:900]}")
        risk = found["risk"]
        print(f"\n  risk after: {risk['level']}, {risk['score']} of 100, lists of")
        print(f"  {[s['name'] + ' ' + s['as_of'] for s in document['sourceVersions']]}")
        if risk["level"] != "prohibited" or found["stakeholders"][1]["risk"]["level"] != "low":
            raise DemoFailed(f"the listed person or the clean one was taken for the other: {risk}")

    def _screen(self, method: str, path: str) -> dict[str, Any]:
        """Send a request to the screening API and print it with its answer, good or bad."""
        response = self._screening.request(method, path)
        body: dict[str, Any] = response.json()
        print(f"\n  {method} {path}\n  {response.status_code} {json.dumps(body)}")
        return body

    def crash(self) -> None:
        """Import many rows, and kill every worker process in the middle."""
        heading(f"{CROWD:,} invented members, and kill -9 for every worker process half-way")
        path = f"/organizations/{self._org}/members"
        file = HEADER + b"".join(member_rows(CROWD))
        accepted = self._show("POST", path, content=file, headers={"Content-Type": "text/csv"})
        job = accepted["jobId"]
        victims: list[int] = []

        def read(poll: dict[str, Any]) -> tuple[int, bool]:
            if poll["progress"] >= 50 and not victims:
                victims.extend(kill_workers(self._stack))
            return poll["progress"], poll["progress"] == 100

        self._watch(lambda: self._get(f"{path}/job/{job}"), read)
        done = self._get(f"{path}/job/{job}")
        print(f"\n  killed: {victims}; added: {done['added']:,} of {done['total']:,},", end=" ")
        print(f"with {len(done['errors'])} of its row errors shown, such as {done['errors'][:2]}")
        members = self._get(f"{path}?limit=1")["pagination"]["totalItems"]
        if not done["added"] == done["total"] == CROWD or members != CROWD + self._named:
            raise DemoFailed(f"{CROWD} rows went in, {members} members are there")

    def _get(self, path: str) -> dict[str, Any]:
        return answered(self._api.get(path))

    def _show(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Send a request and print it with its answer."""
        response = self._api.request(method, path, **options)
        body = answered(response)
        print(f"\n  {method} {path}\n  {response.status_code} {json.dumps(body)}")
        return body

    def _watch(
        self,
        poll: Callable[[], dict[str, Any]],
        read: Callable[[dict[str, Any]], tuple[int, bool]],
    ) -> None:
        """Poll until the end, with a bar."""
        deadline = time.monotonic() + _PATIENCE
        print()
        while True:
            percent, is_over = read(poll())
            filled = _BAR * percent // 100
            print(f"\r  [{'#' * filled}{'.' * (_BAR - filled)}] {percent:3d} %", end="", flush=True)
            if is_over:
                print()
                return
            if self._told.is_set():
                raise KeyboardInterrupt
            if time.monotonic() > deadline:
                raise DemoFailed("the job did not end")
            time.sleep(0.02)


def kill_workers(stack: Stack) -> list[int]:
    """Kill every child of the worker as hard as it gets, and return their ids."""
    children = psutil.Process(stack.processes["worker"].pid).children()
    for child in children:
        child.kill()
    return [child.pid for child in children]


def listed_person(folder: Path) -> tuple[str, str]:
    """Return the name and the date of birth of somebody on the UN's list in a folder."""
    entries, _ = read_un((folder / "un" / "consolidated.xml").read_bytes())
    for entry in entries:
        for born in entry.dates_of_birth:
            if entry.entity_type == "INDIVIDUAL" and _DAY.fullmatch(born):
                return entry.name, "-".join(reversed(born.split("/")))
    raise DemoFailed(f"nobody in {folder} has a date of birth")


def invented_people(count: int) -> list[dict[str, str]]:
    """Return people with names that nobody has."""
    sounds = [first + last for first in ("Bra", "Qui", "Wel", "Zo") for last in ("bnik", "ffle")]
    return [
        {"name": f"{sounds[n % 8]}{n} {sounds[n // 8 % 8]}sworth", "role": "shareholder"}
        for n in range(count)
    ]


def heading(text: str) -> None:
    """Print the title of a part."""
    print(f"\n== {text}", flush=True)


def answered(response: httpx.Response) -> dict[str, Any]:
    """Return the body of a 2xx.

    Raises:
        DemoFailed: it is something else.
    """
    if not response.is_success:
        raise DemoFailed(f"{response.request.url.path}: {response.status_code} {response.text}")
    body: dict[str, Any] = response.json()
    return body


def sample(stack: Stack) -> dict[str, str]:
    """Found an organization and a service; return the address and the keys."""
    return dict(line.split("=", 1) for line in stack.command("sample").splitlines())


def main() -> int:
    """Run the demo over a stack of its own."""
    told = interruptible()
    (ROOT / ".data").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=ROOT / ".data"))
    began = time.monotonic()
    try:
        print("Starting PostgreSQL, Redis, the API and its workers ...", flush=True)
        with Stack(folder).running() as stack:
            print(f"Ready at {stack.url} after {time.monotonic() - began:.1f} s.")
            Demo(stack, told).run()
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
