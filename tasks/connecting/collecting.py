"""Collecting what an account has: the newest statements first, then all of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from config.failpoints import failpoint
from config.sealing import unseal
from tasks.clients.accounts.protocol import AccountFailed, Allotment, NotReady
from tasks.connecting.signing_in import end_of
from tasks.job.errors import Wait
from tasks.reading.keep import as_json, from_json
from tasks.reading.unreadable import Unreadable
from tasks.records import income_documents, income_links, income_secrets
from tasks.records.income_documents import Read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tasks.clients.accounts.protocol import Connector, Document, Session
    from tasks.connecting.progress import Progress
    from tasks.job.context import Context, Step
    from tasks.reading.employment import Employment
    from tasks.records.income_tasks import AccountTask

#: Products that need statements; the others are about the employment itself.
WITH_DOCUMENTS = frozenset({"income", "transactions", "assets"})
#: How long documents are waited for, once one attempt did not get all of them.
SLOWEST = timedelta(hours=1)
#: How long one attempt reads before others have their turn; seconds.
TURN_SECONDS = 60.0


class Collecting:
    """What one attempt does with a session."""

    def __init__(
        self,
        ctx: Context,
        task: AccountTask,
        progress: Progress,
        provider: Connector,
        session: Session,
    ) -> None:
        self._ctx = ctx
        self._task = task
        self._progress = progress
        self._provider = provider
        self._session = session
        self._needs = task.product_type in WITH_DOCUMENTS
        #: The documents that the provider lists now, and those of them that need not be read.
        self._listed: set[str] = set()
        self._known: set[str] = set()

    def collect(self) -> None:
        """Read what is not known yet, report it, and change where pay goes if that is asked for.

        Raises:
            AccountFailed, AccountAway, SessionEnded: as the provider says.
            Wait: a document is not ready, or it is the turn of others.
        """
        product = self._task.product_type
        if product not in self._provider.features(self._session):
            raise AccountFailed("not_supported", "the provider does not offer this product")
        employments = self._provider.employments(self._session)
        documents = self._provider.documents(self._session) if self._needs else []
        self._listed = {one.id for one in documents}
        with self._ctx.database.statement() as connection:
            known = income_documents.known(connection, self._task.link_id, self._ctx.job.id)
        self._known = known & self._listed
        if self._progress.is_before("full_parse"):
            self._take(newest_of_each(documents))
            with self._progress.to("full_parse") as step:
                self._report(step, employments, is_complete=False)
        self._take(documents)
        with self._ctx.step(locked=True) as step:
            self._report(step, employments, is_complete=True)
            self._keep_session(step)
        failpoint("income.reported")
        if product == "deposit_switch":
            self._switch_deposit(employments)

    def _take(self, documents: Iterable[Document]) -> None:
        """Read documents that are not known yet; those that are not ready hold up no others."""
        missing = {one.id: one for one in documents if one.id not in self._known}
        pauses: list[float] = []
        for place, one in enumerate(missing.values()):
            # One at least is asked for, however long it took to learn which there are.
            if place and self._ctx.elapsed > TURN_SECONDS:
                pauses = pauses or [0.0]
                break
            body = self._provider.fetch(self._session, one)
            if isinstance(body, NotReady):
                pauses.append(body.after)
            else:
                self._keep(one, body)
        if pauses:
            self._be_patient()
            raise Wait(min(pauses))

    def _keep(self, document: Document, body: bytes) -> None:
        try:
            content = read(document, body)
        except Unreadable as unreadable:
            raise AccountFailed("error", str(unreadable)) from None
        with self._ctx.step(locked=True) as step:
            income_documents.keep(
                step.connection, self._task.link_id, content, job_id=self._ctx.job.id
            )
            step.save(progress={"done": len(self._known) + 1, "total": len(self._listed)})
        self._known.add(document.id)
        failpoint("income.document_kept")

    def _be_patient(self) -> None:
        """Look for how long documents have been waited for.

        Raises:
            AccountFailed: for too long.
        """
        began = self._ctx.once("waits_since", lambda: datetime.now(UTC).isoformat())
        if datetime.now(UTC) - datetime.fromisoformat(began) > SLOWEST:
            raise AccountFailed("unavailable", "the provider did not give its documents in time")

    def _report(self, step: Step, employments: Sequence[Employment], *, is_complete: bool) -> None:
        if self._needs:
            income_documents.forget_accounts(
                step.connection, self._task.link_id, listed=self._listed
            )
        found = income_documents.of_link(step.connection, self._task.link_id)
        suspicious = income_documents.keep_report(
            step.connection,
            self._task.link_id,
            job_id=self._ctx.job.id,
            product_type=self._task.product_type,
            # What rests on the same documents says the same: no report shows what is gone.
            alike=WITH_DOCUMENTS if self._needs and is_complete else (),
            is_complete=is_complete,
            employments=report_employments(employments, found),
            accounts=report_accounts(found),
        )
        income_links.mark(step.connection, self._task.link_id, suspicious=suspicious)

    def _keep_session(self, step: Step) -> None:
        """Leave the session to the link's refreshes; the task's own secrets end with it."""
        sealed = income_secrets.get(step.connection, self._ctx.job.id).session
        if sealed:
            ends_at = end_of(self._ctx.settings, sealed)
            income_links.keep_session(step.connection, self._task.link_id, sealed, ends_at)

    def _switch_deposit(self, employments: Sequence[Employment]) -> None:
        active = [one for one in employments if one.is_active]
        if not active:
            raise AccountFailed("no_data", "there is no employment whose pay could go elsewhere")
        with self._progress.to("switch_deposit") as step:
            step.save(irrevocable=True)
            sealed = income_secrets.get(step.connection, self._ctx.job.id).account
        if sealed is None:
            raise AccountFailed("config_error", "there is no bank account that pay is to go to")
        account = from_json(Allotment, json.loads(unseal(self._ctx.settings, sealed)))
        for one in active:
            self._provider.switch_deposit(self._session, one.id, [account])
        failpoint("income.deposit_switched")


def newest_of_each(documents: Iterable[Document]) -> list[Document]:
    """Return the newest document of each employment, given the newest first."""
    found: dict[str, Document] = {}
    for one in documents:
        found.setdefault(one.employment or one.id, one)
    return list(found.values())


def read(document: Document, body: bytes) -> Read:
    """Return what a document says.

    Raises:
        Unreadable: it is not what it should be.
    """
    content = _pay_stub(body) if document.kind == "pay_stub" else _bank_statement(body)
    return Read(
        number=document.id, kind=document.kind, employment=document.employment, content=content
    )


def _pay_stub(body: bytes) -> Any:
    # What reads PDF takes a tenth of a second and 9 MB, which only those who read can spare.
    from tasks.reading.stub import read_stub  # noqa: PLC0415

    return as_json(read_stub(body))


def _bank_statement(body: bytes) -> Any:
    from tasks.reading.bank import masked  # noqa: PLC0415
    from tasks.reading.ofx import read_statements  # noqa: PLC0415

    accounts = read_statements(body)
    # Nobody needs the whole number again.
    return [as_json(replace(one, account_id=masked(one.account_id))) for one in accounts]


def report_employments(
    employments: Iterable[Employment], documents: Iterable[Read]
) -> list[dict[str, Any]]:
    """Return employments with what their pay statements say."""
    from tasks.reading.employment import report_employment  # noqa: PLC0415
    from tasks.reading.stub import PayStub  # noqa: PLC0415

    stubs: dict[str, dict[str, PayStub]] = {}
    for one in documents:
        if one.kind == "pay_stub":
            of_employment = stubs.setdefault(one.employment, {})
            of_employment[one.number] = from_json(PayStub, one.content)
    return [{"id": one.id, **report_employment(one, stubs.get(one.id, {}))} for one in employments]


def report_accounts(documents: Iterable[Read]) -> list[dict[str, Any]]:
    """Return bank accounts with their transactions and streams of income."""
    from tasks.reading.bank import report_account  # noqa: PLC0415
    from tasks.reading.ofx import BankAccount  # noqa: PLC0415

    statements = [one for one in documents if one.kind == "bank_statement"]
    accounts: Iterable[tuple[str, Mapping[str, Any]]] = (
        (one.number, account) for one in statements for account in one.content
    )
    return [
        {"id": number, **report_account(from_json(BankAccount, account))}
        for number, account in accounts
    ]
