"""Providers whose documents are made to hurt: the task ends, and the worker goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tasks.reading.papers import endless_page_tree, font_bomb, page_tree_bomb, with_content

PDF, OFX = "application/pdf", "application/x-ofx"
#: What a worker process may take more than it does for good documents; bytes.
MORE = 64 * 1024 * 1024
_ENTITIES = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
ENTITY_BOMB = f'<?xml version="1.0"?><!DOCTYPE OFX [<!ENTITY a0 "ha">{_ENTITIES}]><OFX>&a9;</OFX>'
DEEP = b"<OFX>" + b"<A>" * 20_000 + b"</A>" * 20_000 + b"</OFX>"
BOMB = "the document is damaged, or more than a statement can be"
UNREADABLE = "the provider's answer cannot be read"
LARGE = "the provider's answer is too large"


def peak(*processes: int) -> int:
    """Return the most memory that one of these processes has ever held; bytes."""
    lines = [
        line
        for pid in processes
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return max(int(line.split()[1]) for line in lines) * 1024


@pytest.fixture
def connect(who, wait):
    """Connect an account; return the task as it is polled at its end."""

    def connect(login, product: str = "income"):
        given = {"provider": login.provider, "product_type": product}
        task = who.login(login.username, login.password, **given)["task_id"]
        wait.until_over(task)
        return who.task(task)

    return connect


def test_hostile_documents_end_the_task_and_neither_the_worker_nor_its_memory(
    sandbox, start_connecting, connect, auditor
):
    worker = start_connecting(WORKER_PROCESSES="1")
    payroll, bank = sandbox.account(), sandbox.account("harbour_bank")
    assert [connect(payroll)["status"], connect(bank)["status"]] == ["done", "done"]
    workers = worker.children()
    usual = peak(*workers)
    ends = []

    for body, text in (
        (page_tree_bomb(), BOMB),
        (endless_page_tree(), BOMB),
        (font_bomb(), "the document has too many pages, or too much on them"),
        (with_content(b"1 " * 200_000), BOMB),
        (b"<html>Please sign in</html>", "the document is no PDF"),
        (b"", "the document is no PDF"),
    ):
        served = sandbox.answer("/payroll/adp/api/statements", body, PDF)
        ends.append((connect(payroll), text))
        served.end()
    for body in (ENTITY_BOMB.encode(), DEEP, b"", b"OFXHEADER:100"):
        served = sandbox.answer("/ofx/harbour_bank", body, OFX, asking="<STMTRQ>")
        ends.append((connect(bank), UNREADABLE))
        served.end()
    for provider, papers, text in (
        ("adp", "encrypted", "the document is encrypted"),
        ("adp", "vast", LARGE),
        ("harbour_bank", "vast", LARGE),
    ):
        ends.append((connect(sandbox.account(provider, papers=papers)), text))
    endless = sandbox.befall("/payroll/adp/api/statements", "vast")  # and does not say how large
    ends.append((connect(payroll), LARGE))
    endless.end()

    assert [(end["status"], end["error_message"]) for end, _ in ends] == [
        ("error", text) for _, text in ends
    ]
    failed = [auditor.moves(end["id"]) for end, _ in ends]
    assert failed == [["claim", "fail"]] * len(ends)
    assert worker.children() == workers
    assert peak(*workers) < usual + MORE
    assert connect(payroll)["status"] == "done"
    assert auditor.one("SELECT count(*) FROM account_secrets") == 0
