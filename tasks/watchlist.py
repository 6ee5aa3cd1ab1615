"""watchlist: screen an entity and everybody behind it, then calculate its risk anew.

Each subject has a document of its own, committed as soon as the provider has answered, so that an
attempt does not ask again what an earlier one was told. What nobody answered is recorded as that.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields, validate

from config.failpoints import failpoint
from tasks.clients.watchlist_answers import ProviderFailed
from tasks.clients.watchlists import Dilisense, Subject, timed_out
from tasks.job import store
from tasks.job.declare import Gate, job_type, nano_id
from tasks.job.errors import GateHeld, Permanent, Temporary
from tasks.records import screenings, verifications
from tasks.records.verifications import ENTITY
from tasks.screening.hits import CONCERNS, judge
from tasks.screening.risk import assess

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.clients.watchlist_answers import Answer
    from tasks.clients.watchlists import Watchlists
    from tasks.job.context import Context
    from tasks.job.dispatch import Dispatch
    from tasks.records.screenings import Screening
    from tasks.records.verifications import Verification

#: Who asked for a run: see the seed's `sourceAction`.
SOURCE_ACTIONS = ("manual-api", "manual-portal", "manual-admin", "scheduled", "system")
#: Types of entities and stakeholders that say what they are. About any other one, people and
#: organisations are searched: whoever is looked for in the wrong place seems clear.
PEOPLE = frozenset({"individual", "person", "natural-person", "sole-trader"})
ORGANISATIONS = frozenset(
    {"association", "company", "cooperative", "corporation", "foundation", "fund", "government"}
    | {"organisation", "organization", "partnership", "trust"}
)
#: Rescreenings that one sweep dispatches at the most.
_SCHEDULED_AT_ONCE = 100


class Payload(Schema):
    """Which verification, and who asked."""

    verification = fields.Integer(required=True, strict=True)
    source_action = fields.String(required=True, validate=validate.OneOf(SOURCE_ACTIONS))
    source_uid = fields.String(load_default=None, allow_none=True, metadata={"personal": True})
    source_email = fields.String(load_default=None, allow_none=True, metadata={"personal": True})


class Result(Schema):
    """How many subjects were screened, how many got no answer or a hit, and the risk."""

    subjects = fields.Integer()
    unanswered = fields.Integer()
    concerns = fields.Integer()
    level = fields.String()
    score = fields.Integer()


def _schedule(dispatch: Dispatch) -> None:
    """Dispatch the rescreenings that are due; one that is in flight already is left alone."""
    for number, service_uid in verifications.take_due(
        dispatch.connection, limit=_SCHEDULED_AT_ONCE
    ):
        if store.is_in_flight(dispatch.connection, "watchlist", service_uid, str(number)):
            continue
        payload = {"verification": number, "source_action": "scheduled"}
        with suppress(GateHeld):
            dispatch.add("watchlist", payload, tenant=service_uid)


def _as_the_system(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of a run that an operator repeats: nobody of the service asks for it."""
    return {"verification": payload["verification"], "source_action": "system"}


@job_type(
    "watchlist",
    payload=Payload,
    result=Result,
    api="screening",
    queue="screening",
    gate=Gate("verification"),
    attempts=3,
    timeout=120,
    new_id=lambda _: nano_id(),
    schedule=_schedule,
    payload_again=_as_the_system,
)
def watchlist(
    ctx: Context,
    *,
    verification: int,
    source_action: str,
    source_uid: str | None,  # noqa: ARG001 - for the record
    source_email: str | None,  # noqa: ARG001 - likewise
) -> dict[str, Any]:
    """Screen whom this run has no answer about yet, then keep the risk that follows."""
    with ctx.database.statement() as connection:
        found = verifications.get(connection, verification)
        kept = screenings.of_run(connection, ctx.job.id)
    if found is None:
        raise Permanent("no_verification", "the verification does not exist")
    if not ctx.settings.watchlist_url:
        raise Permanent("not_configured", "no watchlist provider is configured")

    subjects = subjects_of(found)
    missing = [one for one in subjects if one.id not in kept or not kept[one.id].is_known]
    done = len(subjects) - len(missing)
    asking = Asking(ctx, found.id, source_action, total=len(subjects), done=done)
    asyncio.run(asking.screen(missing))
    with ctx.database.statement() as connection:
        documents = screenings.of_run(connection, ctx.job.id)
    asking.fail_if_nobody_answered(documents)

    failpoint("watchlist.screened")
    return _keep_risk(ctx, found, documents)


class Asking:
    """What one attempt asks: about so many subjects at a time, each within its deadline."""

    def __init__(
        self, ctx: Context, verification: int, source_action: str, *, total: int, done: int
    ) -> None:
        self._ctx = ctx
        self._verification = verification
        self._source_action = source_action
        self._total = total
        self._done = done
        self._slots = asyncio.Semaphore(ctx.settings.watchlist_concurrency)
        self._ends_at = 0.0
        #: Whether another attempt could be told what this one was not, and after how long.
        self._is_hopeful = False
        self._after = 0.0

    async def screen(self, subjects: Iterable[Subject]) -> None:
        """Ask about every subject; none that fails disturbs another.

        Raises:
            ClaimLost: the run is no longer ours.
        """
        settings = self._ctx.settings
        self._ends_at = asyncio.get_running_loop().time() + settings.watchlist_run_seconds
        async with Dilisense(
            settings.watchlist_url,
            settings.watchlist_key,
            try_seconds=settings.watchlist_subject_seconds / 2,
            connections=settings.watchlist_concurrency,
        ) as provider:
            await asyncio.gather(*(self._screen(provider, one) for one in subjects))

    async def _screen(self, provider: Watchlists, subject: Subject) -> None:
        async with self._slots:
            try:
                answer = await self._ask(provider, subject)
            except ProviderFailed as failed:
                self._is_hopeful |= failed.retriable
                self._after = max(self._after, failed.after)
                self._keep(subject, status=failed.status, reason=str(failed), hits=[], sources=[])
                return
        judged = (judge(subject.name, subject.date_of_birth, one) for one in answer.records)
        hits = sorted((hit for hit in judged if hit), key=lambda hit: -hit["score"])
        sources = [dict(one) for one in answer.sources]
        self._keep(subject, status="ok", reason=None, hits=hits, sources=sources)

    async def _ask(self, provider: Watchlists, subject: Subject) -> Answer:
        now = asyncio.get_running_loop().time()
        deadline = min(self._ends_at, now + self._ctx.settings.watchlist_subject_seconds)
        try:
            async with asyncio.timeout_at(deadline):
                return await provider.check(subject)
        except TimeoutError:
            raise timed_out() from None

    def _keep(self, subject: Subject, **found: Any) -> None:
        with self._ctx.step() as step:
            screenings.keep(
                step.connection,
                job_id=self._ctx.job.id,
                verification_id=self._verification,
                subject=subject.id,
                triggered_by=self._source_action,
                **found,
            )
            self._done += 1
            step.save(progress={"done": self._done, "total": self._total})
        failpoint("watchlist.document_kept")

    def fail_if_nobody_answered(self, documents: Mapping[str, Screening]) -> None:
        """End an attempt that learned nothing at all; the risk stays as it was.

        Raises:
            Temporary, Permanent: by whether another attempt can help.
        """
        if any(document.is_known for document in documents.values()):
            return
        reason = next(document.reason for document in documents.values())
        line = f"no subject could be screened: {reason}"
        if self._is_hopeful:
            raise Temporary(line, code="provider_failed", after=self._after)
        raise Permanent("provider_failed", line)


def subjects_of(verification: Verification) -> list[Subject]:
    """Return whom a run screens: the entity, then each stakeholder."""
    entity = Subject(
        id=ENTITY,
        name=verification.name,
        is_person=is_person(verification.type),
        date_of_birth=verification.date_of_birth,
    )
    others = [
        Subject(
            id=one.id,
            name=one.name,
            is_person=is_person(one.type),
            date_of_birth=one.date_of_birth,
        )
        for one in verification.stakeholders
    ]
    return [entity, *others]


def is_person(kind: str) -> bool | None:
    """Tell whether the type of an entity or stakeholder is that of a person; None if unknown."""
    plain = re.sub(r"[\s_-]+", "-", kind.strip().lower())
    return plain in PEOPLE if plain in PEOPLE | ORGANISATIONS else None


def _keep_risk(
    ctx: Context, verification: Verification, documents: Mapping[str, Screening]
) -> dict[str, Any]:
    with ctx.step() as step:
        before = screenings.latest_risk(step.connection, verification.id, but=ctx.job.id)
        earlier = screenings.latest_known(step.connection, verification.id, but=ctx.job.id)
        risk = assess(verification, documents, earlier, before)
        screenings.keep_risk(
            step.connection,
            job_id=ctx.job.id,
            verification_id=verification.id,
            risk=risk,
            before=before,
        )
        verifications.put_off(step.connection, verification.id)
        failpoint("watchlist.risk_kept")
    concerns = sum(
        any(hit["decision"] in CONCERNS for hit in document.hits) for document in documents.values()
    )
    return {
        "subjects": len(documents),
        "unanswered": sum(not document.is_known for document in documents.values()),
        "concerns": concerns,
        "level": risk.level,
        "score": risk.score,
    }
