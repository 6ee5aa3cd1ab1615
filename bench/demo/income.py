"""Income: accounts at a payroll provider and a bank, from the login to the report."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bench.demo.guide import DemoFailed, heading

if TYPE_CHECKING:
    from bench.demo.guide import Guide

#: The words of a task that has not ended.
_RUNNING = ("new", "login", "mfa", "parse", "full_parse", "switch_deposit")
#: How long a task may take; seconds.
_PATIENCE = 60.0


def show_income(guide: Guide) -> None:
    """Connect four accounts, and read what one of them says of its owner's income."""
    heading("Income: a good login, one with a code, a locked account, and a bank")
    user = guide.show("POST", "/v1/users/", json={"external_user_id": "demo"})["id"]
    link = _connect(guide, user, _login("adp", "goodlogin", "goodpassword"), "done")
    _connect(guide, user, _login("adp", "goodlogin", "mfa"), "done")
    _connect(guide, user, _login("adp", "error.user", "account_locked"), "account_locked")
    _connect(guide, user, _login("harbour_bank", "goodlogin", "goodpassword"), "done")
    report = guide.show("GET", f"/v1/links/{link}/income/report/")
    if not report["employments"] or not report["employments"][0]["statements"]:
        raise DemoFailed(f"the report says nothing: {report}")


def _login(provider: str, username: str, password: str) -> dict[str, str]:
    """Return what the widget sends of somebody who logs in."""
    return {"provider_id": provider, "username": username, "password": password}


def _connect(guide: Guide, user: str, login: dict[str, str], end: str) -> str:
    """Log in as the widget does, give a code if one is asked for, and print every stage."""
    path = f"/v1/users/{user}/tokens/"
    token = guide.show("POST", path, json={"product_type": "income"})["bridge_token"]
    answer = guide.show("POST", "/v1/bridge/login/", json={"bridge_token": token, **login})
    task = answer["task_id"]
    stages: list[str] = []
    deadline = time.monotonic() + _PATIENCE
    while not stages or stages[-1] in _RUNNING:
        status = guide.get(f"/v1/tasks/{task}/")["status"]
        if status not in stages:
            stages.append(status)
            if status == "mfa":
                guide.show("POST", f"/v1/tasks/{task}/mfa/", json={"code": "12345"})
        if time.monotonic() > deadline:
            raise DemoFailed(f"the task did not end: {stages}")
        time.sleep(0.01)
    print(f"\n  stages that were seen: {' → '.join(stages)}")
    shown: dict[str, Any] = guide.show("GET", f"/v1/tasks/{task}/")
    if shown["status"] != end:
        raise DemoFailed(f"{login['username']} must end as {end}: {shown}")
    return str(shown["link_id"])
