"""The operators' API as marshmallow schemas: what comes in, and the OpenAPI document."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from tasks.job.states import State

_TIME = {"format": "date-time"}
_STATES = [state.value for state in State]


def _time() -> fields.String:
    return fields.String(required=True, allow_none=True, metadata=_TIME)


def _text() -> fields.String:
    return fields.String(required=True, allow_none=True)


class OpsFault(Schema):
    """What is wrong."""

    code = fields.String(required=True, metadata={"example": "no_job"})
    message = fields.String(required=True, metadata={"example": "there is no such job"})
    count = fields.Integer(metadata={"description": "How many jobs match, if that is the matter."})


class OpsError(Schema):
    """Every error of the operators' API."""

    error = fields.Nested(OpsFault, required=True)


class FilterQuery(Schema):
    """Which jobs are meant. Types, states and the like may be several, separated by commas."""

    type = fields.String(metadata={"example": "org_members,watchlist"})
    state = fields.String(metadata={"example": "pending,running", "description": str(_STATES)})
    api = fields.String(metadata={"description": "The API whose types they have."})
    tenant = fields.String()
    id = fields.String(metadata={"description": "What their ids begin with."})
    code = fields.String(metadata={"description": "Why they failed."})
    error = fields.String(metadata={"description": "The error of a group of failures."})
    since = fields.String(metadata={**_TIME, "description": "Recorded at or after."})
    until = fields.String(metadata={**_TIME, "description": "Recorded before."})


class ListQuery(FilterQuery):
    """Which jobs, and which part of their list."""

    before = fields.String(metadata={"description": "The `next` of the page before."})
    limit = fields.String(metadata={"description": "At most 200; 50 if not given."})


class HoursQuery(Schema):
    """How far back."""

    hours = fields.String(metadata={"description": "From 1 to 24; 1 if not given."})


class ActionsQuery(Schema):
    """Which part of what was done."""

    before = fields.String(metadata={"description": "The id of the last one that was shown."})
    limit = fields.String(metadata={"description": "At most 200; 50 if not given."})


class Order(Schema):
    """An order about all jobs that match."""

    filter = fields.Nested(FilterQuery, load_default=dict)
    expected = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=0),
        metadata={"description": "How many these are; if it is not so, nothing is done."},
    )


class OpsJob(Schema):
    """A job."""

    id = fields.String(required=True)
    number = fields.Integer(required=True, metadata={"description": "The order of recording."})
    type = fields.String(required=True)
    api = _text()
    tenant = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(_STATES))
    queue = fields.String(required=True)
    gate = _text()
    stage = _text()
    code = _text()
    error = _text()
    conflict = _text()
    progress = fields.Dict(required=True)
    attempts = fields.Integer(required=True)
    failures = fields.Integer(required=True)
    worker = _text()
    cancelledBy = _text()
    irrevocable = fields.Boolean(required=True)
    retryOf = _text()
    createdAt = _time()
    dueAt = _time()
    startedAt = _time()
    finishedAt = _time()
    expiresAt = _time()


class OpsJobs(Schema):
    """Jobs, newest first."""

    jobs = fields.List(fields.Nested(OpsJob), required=True)
    next = fields.Integer(
        required=True, allow_none=True, metadata={"description": "`before` of the next page."}
    )


class OpsCount(Schema):
    """How many jobs match."""

    count = fields.Integer(required=True)
    isExact = fields.Boolean(required=True, metadata={"description": "Or there are more."})


class OpsAttempt(Schema):
    """From a claim to what became of it."""

    number = fields.Integer(required=True)
    worker = _text()
    beganAt = _time()
    endedAt = _time()
    ended = _text()
    note = _text()


class OpsMove(Schema):
    """A move of a job's history."""

    attempt = fields.Integer(required=True)
    move = fields.String(required=True)
    state = fields.String(required=True)
    worker = _text()
    note = _text()
    at = _time()


class OpsDelivery(Schema):
    """Something that a webhook was or will be told of a job."""

    id = fields.String(required=True)
    webhookId = fields.Integer(required=True)
    event = fields.String(required=True)
    state = fields.String(required=True)
    jobId = fields.String(required=True, metadata={"description": "The job that delivers it."})
    tries = fields.Integer(required=True)
    lastTry = _text()
    createdAt = _time()
    deliveredAt = _time()


class OpsAction(Schema):
    """Something that an operator did."""

    id = fields.Integer(required=True)
    at = _time()
    operator = fields.String(required=True)
    action = fields.String(required=True)
    count = fields.Integer(required=True)
    jobs = fields.List(fields.String(), required=True, metadata={"description": "The first 100."})
    details = fields.Dict(required=True)


class OpsActions(Schema):
    """What operators did, newest first."""

    actions = fields.List(fields.Nested(OpsAction), required=True)


class OpsDetail(OpsJob):
    """A job with all that belongs to it. Secret and personal values are hidden."""

    why = fields.String(required=True, metadata={"description": "Why it is not running."})
    payload = fields.Dict(required=True)
    result = fields.Dict(required=True, allow_none=True)
    holder = _text()
    retriedAs = _text()
    history = fields.List(fields.Nested(OpsAttempt), required=True)
    moves = fields.List(fields.Nested(OpsMove), required=True)
    deliveries = fields.List(fields.Nested(OpsDelivery), required=True)
    actions = fields.List(fields.Nested(OpsAction), required=True)


class OpsRepeated(Schema):
    """An ended job, and the new one that runs it again."""

    id = fields.String(required=True)
    repeated_as = fields.String(required=True, data_key="as")


class OpsReplayed(Schema):
    """A delivery that goes out again."""

    id = fields.String(required=True)
    about = fields.String(required=True, metadata={"description": "The job that it tells of."})


class OpsRefused(Schema):
    """A job that nothing was done to."""

    id = fields.String(required=True)
    reason = fields.String(required=True)


class OpsDone(Schema):
    """What became of an order."""

    ended = fields.List(
        fields.String(), required=True, metadata={"description": "Cancelled at once."}
    )
    asked = fields.List(
        fields.String(), required=True, metadata={"description": "At work; end at their next step."}
    )
    repeated = fields.List(fields.Nested(OpsRepeated), required=True)
    refused = fields.List(fields.Nested(OpsRefused), required=True)


class OpsQueue(Schema):
    """A queue, as the record has it."""

    name = fields.String(required=True)
    due = fields.Integer(required=True)
    later = fields.Integer(required=True, metadata={"description": "Parked, or between attempts."})
    running = fields.Integer(required=True)
    oldestSeconds = fields.Float(required=True)
    workers = fields.Integer(required=True)


class OpsInFlight(Schema):
    """How many jobs of a type have not ended."""

    type = fields.String(required=True)
    pending = fields.Integer(required=True)
    running = fields.Integer(required=True)


class OpsQueues(Schema):
    """What waits."""

    queues = fields.List(fields.Nested(OpsQueue), required=True)
    types = fields.List(fields.Nested(OpsInFlight), required=True)


class OpsWorkerJob(Schema):
    """What a worker works on."""

    id = fields.String(required=True)
    type = fields.String(required=True)
    since = _time()


class OpsWorker(Schema):
    """A worker process."""

    id = fields.String(required=True)
    queues = fields.List(fields.String(), required=True)
    state = fields.String(
        required=True, validate=validate.OneOf(["busy", "idle", "wedged", "stopped", "dead"])
    )
    why = fields.String(required=True)
    startedAt = _time()
    seenAt = _time()
    claimedAt = _time()
    claims = fields.Integer(required=True)
    job = fields.Nested(OpsWorkerJob, required=True, allow_none=True)
    skewSeconds = fields.Float(
        required=True, metadata={"description": "How far its clock is ahead of the database's."}
    )


class OpsWorkers(Schema):
    """Every worker of the last hour."""

    workers = fields.List(fields.Nested(OpsWorker), required=True)


class OpsLength(Schema):
    """Quantiles of a length of time; seconds."""

    p50 = fields.Float(required=True, allow_none=True)
    p95 = fields.Float(required=True, allow_none=True)


class OpsCounts(Schema):
    """What happened to jobs, and how long it took."""

    accepted = fields.Integer(required=True)
    begun = fields.Integer(required=True)
    completed = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    rejected = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)
    retried = fields.Integer(required=True)
    lost = fields.Integer(required=True)
    wait = fields.Nested(
        OpsLength, required=True, metadata={"description": "From recording to the first claim."}
    )
    latency = fields.Nested(
        OpsLength, required=True, metadata={"description": "From recording to the end."}
    )


class OpsSlot(OpsCounts):
    """What happened within some minutes."""

    at = _time()


class OpsSummary(OpsCounts):
    """What happened to jobs of a type."""

    type = fields.String(required=True)
    run = fields.Nested(
        OpsLength, required=True, metadata={"description": "From a claim to the attempt's end."}
    )


class OpsStatistics(Schema):
    """What happened within some hours: over time, and by type."""

    slotMinutes = fields.Integer(
        required=True, metadata={"description": "1 or 2; beyond two hours, 15."}
    )
    slots = fields.List(fields.Nested(OpsSlot), required=True)
    types = fields.List(fields.Nested(OpsSummary), required=True)


class OpsFailure(Schema):
    """Jobs of a type that failed for the same reason."""

    type = fields.String(required=True)
    code = fields.String(required=True)
    error = fields.String(required=True, metadata={"description": "Numbers are `#`."})
    count = fields.Integer(required=True)
    firstAt = _time()
    lastAt = _time()
    newest = fields.List(fields.String(), required=True)


class OpsFailures(Schema):
    """What failed, the most frequent first."""

    failures = fields.List(fields.Nested(OpsFailure), required=True)
