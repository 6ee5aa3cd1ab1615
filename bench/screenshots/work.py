"""What a day brings: jobs of several types, accepted over HTTP and done by real workers."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx

from bench.rows import HEADER, member_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from config.stack import Stack

#: How often each of them is done in a hundredth of a day.
_IMPORTS, _SCREENINGS, _CREDENTIALS, _CONNECTIONS = 1.5, 1.1, 1.1, 0.14
#: Screenings that an incident befalls.
_BEFALLEN = 24
#: Logins of the sandbox; one asks for a code, one is locked.
_LOGINS = (
    *[("adp", "goodlogin", "goodpassword")] * 3,
    ("adp", "goodlogin", "mfa"),
    ("harbour_bank", "goodlogin", "goodpassword"),
    ("adp", "error.user", "account_locked"),
)
_FIRST = ("Amber", "Birch", "Cobalt", "Delta", "Ember", "Fjord", "Grove", "Harbour", "Indigo")
_SECOND = ("Freight", "Holdings", "Analytics", "Foods", "Textiles", "Robotics", "Energy")
_PEOPLE = ("Amina Okafor", "Bjarke Lindqvist", "Chiyo Hayashi", "Dario Conti", "Elif Demir")
#: Jobs that wait to begin at a time.
_IN_LINE = 3
#: How long anything may take; seconds.
_PATIENCE = 300.0


class Work:
    """The clients of the four APIs."""

    def __init__(
        self, stack: Stack, waiting: Callable[[], int], is_idle: Callable[[], bool]
    ) -> None:
        """Ask how many jobs wait to begin, and whether none is left, by what is given."""
        made = dict(line.split("=", 1) for line in stack.command("sample").splitlines())
        client, _, secret = made["CLIENT"].partition(":")
        self._url = stack.url
        self._org = made["ORG"]
        self._voting = self._client(Authorization=f"Bearer {made['KEY']}")
        self._screening = self._client(Authorization=f"ApiKey {made['SERVICE']}")
        self._credentials = self._client(Authorization=f"Bearer {made['TOKEN']}")
        self._income = self._client(**{"X-Access-Client-Id": client, "X-Access-Secret": secret})
        self._waiting, self._is_idle = waiting, is_idle
        self._dice = random.Random(20261129)  # the same day each time
        self._numbers = itertools.count(1)

    def _client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self._url, headers=headers, timeout=60)

    def work(self, percent: int) -> None:
        """Have a part of a day's work done, in whatever order it comes, until nothing is left."""
        kinds: list[Callable[[], Any]] = []
        for kind, often in (
            (self._import_some, _IMPORTS),
            (self.screen, _SCREENINGS),
            (self.register, _CREDENTIALS),
            (self.connect, _CONNECTIONS),
        ):
            kinds += [kind] * round(percent * often)
        self._dice.shuffle(kinds)
        with _receiver() as url:
            hook = {"url": url, "events": ["did_create"]}
            path = f"/webhooks/{_accepted(self._credentials.post('/webhooks', json=hook))['id']}"
            for kind in kinds:
                # Over a day nobody waits for long.
                self._wait_until(lambda: self._waiting() < _IN_LINE)
                kind()
            self._wait_until(self._is_idle)
            self._credentials.delete(path)

    def finish(self) -> None:
        """Wait until nothing is left to do."""
        self._wait_until(self._is_idle)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the work was not done in time")
            self._give_codes()
            time.sleep(0.05)

    def be_befallen(self) -> None:
        """Have screenings fail, since nobody answers them now."""
        for _ in range(_BEFALLEN):
            self.screen()
        self._wait_until(self._is_idle)

    def import_members(self, rows: int) -> str:
        """Import so many members; return the job's id."""
        file = HEADER + b"".join(member_rows(rows))
        path = f"/organizations/{self._org}/members"
        answer = self._voting.post(path, content=file, headers={"Content-Type": "text/csv"})
        return str(_accepted(answer)["jobId"])

    def screen(self) -> None:
        """Screen a company, and one in five once more while that may be running."""
        number = next(self._numbers)
        name = f"{_FIRST[number % 9]} {_SECOND[number % 7]} Ltd"
        people = [{"name": one, "role": "director"} for one in _PEOPLE[: 1 + number % 5]]
        body = {"name": name, "stakeholders": people}
        trace = _accepted(self._screening.post("/v5/verifications", json=body))["trace"]
        again = 2 if number % 5 == 0 else 1
        with ThreadPoolExecutor(again) as pool:
            for _ in range(again):
                pool.submit(self._screening.post, f"/v5/verifications/{trace}/watchlist")

    def _import_some(self) -> None:
        self.import_members(self._dice.choice((40, 120, 300, 800, 2500)))

    def register(self) -> None:
        """Register a DID."""
        _accepted(self._credentials.post("/dids"))

    def connect(self) -> None:
        """Connect an account."""
        provider, username, password = _LOGINS[next(self._numbers) % len(_LOGINS)]
        user = _accepted(self._income.post("/v1/users/", json={"external_user_id": username}))
        token = _accepted(
            self._income.post(f"/v1/users/{user['id']}/tokens/", json={"product_type": "income"})
        )
        body = {"provider_id": provider, "username": username, "password": password}
        login = {"bridge_token": token["bridge_token"], **body}
        _accepted(self._income.post("/v1/bridge/login/", json=login))

    def _give_codes(self) -> None:
        """Enter the code wherever one is asked for."""
        for task in _accepted(self._income.get("/v1/tasks/"))["results"]:
            if task["status"] == "mfa":
                self._income.post(f"/v1/tasks/{task['id']}/mfa/", json={"code": "12345"})


def _accepted(answer: httpx.Response) -> Any:
    return answer.raise_for_status().json()


@contextlib.contextmanager
def _receiver() -> Iterator[str]:
    """Listen for webhooks as somebody does who is out of service at times."""
    numbers = itertools.count(1)

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take a webhook, or not."""
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(503 if next(numbers) % 9 == 0 else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receive)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hooks"
    finally:
        server.shutdown()
        server.server_close()
