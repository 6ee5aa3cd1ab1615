"""A link is removed while a worker reads its account."""

from __future__ import annotations

import pytest

from tests.conftest import wait_until
from tests.faults.income.conftest import told


@pytest.mark.usefixtures("hook")
def test_what_a_worker_reads_of_a_removed_link_is_kept_nowhere(
    who, sandbox, start_connecting, wait, auditor
):
    worker = start_connecting(WORKER_PROCESSES="1")
    login = sandbox.account()
    held = sandbox.befall("/payroll/adp/api/statements", "hold")

    made = who.login(login.username, login.password)
    wait_until(lambda: held.held() == 1)
    workers = worker.children()
    removed = who.http.delete(f"/v1/links/{made['link_id']}/", headers=who.headers)
    ended = auditor.job(made["task_id"])
    held.end()
    after = who.login(login.username, login.password)
    wait.until_over(after["task_id"])

    assert removed.status_code == 204
    assert (ended["state"], ended["code"], ended["worker"]) == ("failed", "cancelled", None)
    assert told(auditor, made["task_id"]) == ["login", "parse", "error"]
    assert who.status(after["task_id"]) == "done"
    assert worker.children() == workers
    assert '"event": "claim_lost"' in worker.log.read_text()
    links = auditor.rows("SELECT DISTINCT link_id FROM income_documents")
    assert links == [{"link_id": after["link_id"]}]
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0
