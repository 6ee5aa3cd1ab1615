"""Income: accounts connected at a payroll provider and at a bank."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.demo.guide import DemoFailed, heading

if TYPE_CHECKING:
    from bench.demo.guide import Guide

#: How far a task is by its status; anything else is its end. Per cent.
_STAGES = {"new": 0, "login": 10, "mfa": 25, "parse": 40, "full_parse": 70}


def show_income(guide: Guide) -> None:
    """Connect a good login, one with a code, a locked account, and a bank."""
    heading("Income: somebody connects the account of their payroll provider")
    user = guide.show("POST", "/v1/users/", json={"external_user_id": "12345"})["id"]
    login = _log_in(guide, user, "goodlogin", "goodpassword")
    _finish(guide, login["task_id"], "done")
    guide.show("GET", f"/v1/tasks/{login['task_id']}/")
    _show_employment(guide, login["link_id"])
    heading("Income: a login that needs a code, for which no worker waits")
    login = _log_in(guide, user, "goodlogin", "mfa")
    _finish(guide, login["task_id"], "mfa")
    guide.show("POST", f"/v1/tasks/{login['task_id']}/mfa/", json={"code": "12345"})
    _finish(guide, login["task_id"], "done")
    heading("Income: an account that its provider has locked")
    login = _log_in(guide, user, "error.user", "account_locked")
    _finish(guide, login["task_id"], "account_locked")
    guide.show("GET", f"/v1/tasks/{login['task_id']}/")
    heading("Income: a bank, which speaks OFX")
    login = _log_in(guide, user, "goodlogin", "goodpassword", provider="harbour_bank")
    _finish(guide, login["task_id"], "done")
    _show_accounts(guide, login["link_id"])


def _log_in(
    guide: Guide, user: str, username: str, password: str, *, provider: str = "adp"
) -> dict[str, Any]:
    """Do what a user's browser does with a bridge token."""
    path, product = f"/v1/users/{user}/tokens/", {"product_type": "income"}
    made = guide.api.post(path, json=product).json()
    body = {
        "bridge_token": made["bridge_token"],
        "provider_id": provider,
        "username": username,
        "password": password,
    }
    answer: dict[str, Any] = guide.show("POST", "/v1/bridge/login/", json=body)
    return answer


def _finish(guide: Guide, task: str, status: str) -> None:
    """Poll a task until it has a status, and print those that it went through."""
    path, seen = f"/v1/tasks/{task}/", dict[str, None]()

    def read(found: dict[str, Any]) -> tuple[int, bool]:
        seen[found["status"]] = None
        is_over = found["status"] not in _STAGES or found["status"] == status
        return _STAGES.get(found["status"], 100), is_over

    guide.watch(lambda: guide.get(path), read)
    print(f"  {' -> '.join(seen)}")
    if list(seen)[-1] != status:
        raise DemoFailed(f"the task should be {status}: {guide.get(path)}")


def _show_employment(guide: Guide, link: str) -> None:
    """Print what the report says of the first employment, with its newest statement."""
    (found,) = guide.get(f"/v1/links/{link}/income/report/")["employments"]
    statements = found.pop("statements")
    print(f"\n  GET /v1/links/{link}/income/report/\n  {json.dumps(found)}")
    print(f"  {len(statements)} statements, of which the newest: {json.dumps(statements[0])[:400]}")
    if found["pay_frequency"] != "BW" or found["is_suspicious"]:
        raise DemoFailed(f"the statements were read wrongly: {found}")


def _show_accounts(guide: Guide, link: str) -> None:
    """Print what the report says of a bank's accounts, without their transactions."""
    found = guide.get(f"/v1/links/{link}/income/report/")["bank_accounts"]
    print(f"\n  GET /v1/links/{link}/income/report/")
    for account in found:
        count = len(account.pop("transactions"))
        print(f"  {count} transactions: {json.dumps(account)}")
    if not any(account["income_streams"] for account in found):
        raise DemoFailed("no deposit was taken for income")
