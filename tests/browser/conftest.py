"""A real stack with real jobs in every state, and a real browser that looks at it.

Both are there as long as a worker of pytest has tests of this folder. Under `--dist worksteal` each
begins with tests that stand together, and what is stolen are the last ones; so one worker runs
nearly all of these, and what they share is started once, or twice at the most.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from bench import chromium
from config.database import Database
from config.settings import Settings
from config.stack import free_port
from tasks.job.declare import discover
from tasks.job.dispatch import dispatching
from tasks.job.queue import Ringer
from tasks.records import operators, voting
from tasks.watch import actions
from tests.browser import absent
from tests.conftest import JWT_KEY, ROOT, SEALING_KEY, Auditor, Process, environment, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

PASSWORD = "correct horse battery"
#: How long a page may take to show something; milliseconds.
_PATIENCE = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave these tests out where no browser is, unless they are required."""
    if os.environ.get(absent.VARIABLE) == "required" or chromium.find():
        return
    for item in items:
        if item.nodeid.startswith(absent.FOLDER):
            item.add_marker(pytest.mark.skip(reason=absent.REASON))


@dataclass
class Stack:
    """The service as processes, and jobs of it."""

    settings: Settings
    url: str
    database: Database
    auditor: Auditor
    #: Where files appear that jobs wait for.
    folder: Path
    #: Ids of jobs that are there from the beginning, by what is particular about them.
    jobs: dict[str, str]

    def dispatch(self, job_type: str, *, tenant: str = "acme", **payload: Any) -> str:
        """Dispatch a job and return its id."""
        with dispatching(self.database, Ringer(self.settings)) as dispatch:
            return dispatch.add(job_type, payload, tenant=tenant)

    def hold(self, name: str) -> str:
        """Dispatch a job that runs until it is let go, and wait until it does."""
        job = self.dispatch("holds", path=str(self.folder / name))
        self.wait_for(job, "running")
        return job

    def let_go(self, name: str) -> None:
        """Let a job end that is held."""
        (self.folder / name).touch()

    def wait_for(self, job: str, state: str) -> None:
        """Wait until a job is in a state."""
        wait_until(lambda: self.auditor.job(job)["state"] == state, seconds=60)


@pytest.fixture(scope="package")
def stack(servers, databases, tmp_path_factory) -> Iterator[Stack]:
    """The service of these tests."""
    name = databases.take()
    folder = tmp_path_factory.mktemp("browser")
    settings = Settings(
        database_url=servers.postgres.url_of(name),
        redis_url=servers.redis.url,
        jwt_key=JWT_KEY,
        sealing_keys=(SEALING_KEY,),
        task_modules=("tests.job_types",),
    )
    port = str(free_port())
    env = environment(
        settings, PORT=port, WEB_PROCESSES="1", WORKER_PROCESSES="3", STOP_GRACE_SECONDS="1",
        # Nobody serves `told`, so that something waits.
        WORKER_QUEUES="bulk,default,screening,webhooks",
    )  # fmt: skip
    web = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn"]
    processes = [
        Process([*web, "app:create_app()"], env, folder / "web.log"),
        Process([sys.executable, "-m", "workers"], env, folder / "worker.log"),
    ]
    discover(settings.task_modules)
    database, auditor = Database(settings), Auditor(settings.database_url)
    made = Stack(settings, f"http://127.0.0.1:{port}", database, auditor, folder, {})
    try:
        _make_operators(made)
        wait_until(lambda: _answers(made.url), seconds=60)
        made.jobs |= _make_jobs(made)
        yield made
    finally:
        for process in processes:
            process.popen.terminate()
        for process in processes:
            process.stop()
        database.close()
        databases.give_back(name)


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz").is_success
    return False


def _make_operators(stack: Stack) -> None:
    with stack.database.transaction() as connection:
        for name, role in (("mary", "operator"), ("john", "viewer")):
            operators.add(connection, name, password=PASSWORD, role=role)


def _make_jobs(stack: Stack) -> dict[str, str]:
    """Have real workers bring a job into every state."""
    jobs = {
        "completed": _import_members(stack),
        "failed": stack.dispatch("gives_up"),
        "exhausted": stack.dispatch("fails"),
        "parked": stack.dispatch("announced", how="wait"),
        "running": stack.hold("running"),
        "pending": stack.dispatch("tells", of="nobody", state="x", code=None),
        "cancelled": stack.dispatch("tells", of="nobody", state="x", code=None),
        "personal": stack.dispatch(
            "watchlist", verification=1, source_action="manual-api", source_email="ada@example.org"
        ),
        **_make_rivals(stack),
    }
    with dispatching(stack.database, Ringer(stack.settings)) as dispatch:
        actions.cancel(dispatch, jobs["cancelled"], by="mary")
    for name, state in (
        ("completed", "completed"),
        ("exhausted", "failed"),
        ("personal", "failed"),
    ):
        stack.wait_for(jobs[name], state)
    return jobs


def _make_rivals(stack: Stack) -> dict[str, str]:
    """Have one job hold a gate, and another one be rejected by it."""
    gate = {"scope": "one at a time", "path": str(stack.folder / "gate")}
    with dispatching(stack.database, Ringer(stack.settings)) as dispatch:
        # Together, while the gate is free: a later one would not be accepted.
        rivals = [dispatch.add("gated", gate, tenant="acme") for _ in range(2)]
    states = lambda: {stack.auditor.job(job)["state"]: job for job in rivals}  # noqa: E731
    wait_until(lambda: set(states()) == {"running", "rejected"}, seconds=60)
    return {"holder": states()["running"], "rejected": states()["rejected"]}


def _import_members(stack: Stack) -> str:
    with stack.database.transaction() as connection:
        org = voting.add_organization(connection, subject="admin", country="US")
        key = voting.add_api_key(connection, org.id, name="test", scopes=voting.SCOPES)
    answer = httpx.post(
        f"{stack.url}/organizations/{org.address}/members",
        content=(ROOT / "bench" / "sample_members.csv").read_bytes(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "text/csv"},
    )
    return str(answer.json()["jobId"])


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser of these tests."""
    expect.set_options(timeout=_PATIENCE)
    if chromium.find() is None:
        pytest.fail(f"{absent.REASON}, and {absent.VARIABLE} says that one is required")
    with chromium.running() as running:
        yield running


@dataclass
class Visit:
    """Somebody at a browser of their own, and everything that went wrong in it."""

    page: Page
    url: str
    #: What the console was told of errors, and exceptions that nobody caught.
    complaints: list[str]
    #: Where requests went to.
    hosts: set[str]

    def open(self, path: str) -> Page:
        """Go to a page of the dashboard."""
        self.page.goto(f"{self.url}/dashboard{path}")
        return self.page

    def sign_in(self, name: str, password: str = PASSWORD) -> Page:
        """Fill in the form, from wherever one was sent to it."""
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        return self.page


@pytest.fixture
def new_visit(browser: Browser, stack: Stack) -> Iterator[Callable[..., Visit]]:
    """Open browsers that share nothing; at the end none has complained or asked another host."""
    opened: list[tuple[BrowserContext, Visit]] = []

    def visit(**options: Any) -> Visit:
        context = browser.new_context(**options)
        context.set_default_timeout(_PATIENCE)
        made = Visit(context.new_page(), stack.url, [], set())
        context.on("request", lambda request: made.hosts.add(urlsplit(request.url).netloc))
        context.on("weberror", lambda error: made.complaints.append(str(error.error)))
        context.on(
            "console",
            lambda said: made.complaints.append(said.text) if said.type == "error" else None,
        )
        opened.append((context, made))
        return made

    yield visit
    for context, _ in opened:
        context.close()
    assert [complaint for _, made in opened for complaint in made.complaints] == []
    assert {host for _, made in opened for host in made.hosts} <= {urlsplit(stack.url).netloc}


@pytest.fixture
def visit(new_visit: Callable[..., Visit]) -> Visit:
    """Somebody whom nobody knows."""
    return new_visit()


@pytest.fixture(scope="package")
def sessions(browser: Browser, stack: Stack) -> dict[str, Any]:
    """What browsers keep that have signed in, by who it is: a password takes long to check."""
    kept = {}
    for name in ("mary", "john"):
        context = browser.new_context()
        made = Visit(context.new_page(), stack.url, [], set())
        made.open("/sign-in")
        made.sign_in(name).get_by_role("button", name="Sign out").wait_for()
        kept[name] = context.storage_state()
        context.close()
    return kept


@pytest.fixture
def mary(new_visit: Callable[..., Visit], sessions: dict[str, Any]) -> Visit:
    """Somebody who may act, signed in."""
    return new_visit(storage_state=sessions["mary"])


@pytest.fixture
def john(new_visit: Callable[..., Visit], sessions: dict[str, Any]) -> Visit:
    """Somebody who may watch, signed in."""
    return new_visit(storage_state=sessions["john"])
