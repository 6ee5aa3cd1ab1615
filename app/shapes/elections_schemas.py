"""What the voting API's groups, censuses, processes and votes look like as schemas."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.shapes.incoming import Text
from app.shapes.voting_schemas import Pagination

#: What the contract has room for.
MOST_QUESTIONS, MOST_CHOICES = 64, 255
#: The longest a process may last; the first and the last time that it may begin or end.
_LONGEST_SECONDS = 100 * 366 * 86400
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_MOST_VOTERS = 2**63 - 1
#: The fields of members by which voters may prove who they are.
AUTH_FIELDS = ("memberNumber", "name", "surname", "nationalId", "birthDate", "email", "phone")
#: Votes that one request may bring.
MOST_VOTES = 1000

_hex_id = validate.Regexp(r"[0-9a-f]{24}\Z", error="Not an id of 24 hexadecimal digits.")


def _id(example: str = "5f" * 12, **more: Any) -> fields.String:
    return fields.String(validate=_hex_id, metadata={"example": example}, **more)


def _organization() -> fields.String:
    shape = validate.Regexp(r"0x[0-9a-fA-F]{40}\Z", error="Not an address.")
    return fields.String(required=True, validate=shape, metadata={"example": "0x" + "a1" * 20})


def _address(digits: int) -> fields.String:
    return fields.String(allow_none=True, metadata={"example": "0x" + "a1" * (digits // 2)})


def _time() -> fields.String:
    return fields.String(allow_none=True, metadata={"format": "date-time"})


class JobAccepted(Schema):
    """The job that does it; Location says where to poll it."""

    jobId = fields.String(required=True, metadata={"example": "0f" * 32})


class Made(Schema):
    """The id of what was made."""

    id = _id()


# Groups.


class NewGroup(Schema):
    """Members to speak of together."""

    title = Text(required=True, shortest=1, longest=200)
    description = Text(load_default="", longest=2000)
    memberIds = fields.List(_id(), load_default=list)
    includeAllMembers = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Whoever is a member whenever the group is used."},
    )

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        if data["includeAllMembers"] == bool(data["memberIds"]):
            raise ValidationError("Either some members or all of them.", "memberIds")


class Group(Schema):
    """Members that are spoken of together."""

    id = _id()
    title = fields.String()
    description = fields.String()
    includeAllMembers = fields.Boolean()
    membersCount = fields.Integer()
    createdAt = _time()


class GroupPage(Schema):
    """An organization's groups, oldest first."""

    pagination = fields.Nested(Pagination)
    groups = fields.List(fields.Nested(Group))


# Censuses.


class NewCensus(Schema):
    """Whose census, and what voters prove who they are by."""

    orgAddress = _organization()
    authFields = fields.List(
        fields.String(validate=validate.OneOf(AUTH_FIELDS)),
        load_default=list,
        validate=validate.Length(max=len(AUTH_FIELDS)),
    )


class NewParticipants(Schema):
    """Whom to add: some members, or a group of them."""

    memberIds = fields.List(_id())
    groupId = _id()

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        if bool(data.get("memberIds")) == ("groupId" in data):
            raise ValidationError("Either some members or a group of them.", "memberIds")


class Census(Schema):
    """Who may vote."""

    id = _id()
    orgAddress = fields.String()
    authFields = fields.List(fields.String())
    size = fields.Integer(metadata={"description": "Participants so far."})
    root = _address(64)
    uri = fields.String(allow_none=True)
    publishedAt = _time()
    createdAt = _time()


class Participant(Schema):
    """A leaf of a census's tree: keccak(keccak(abi.encode(address, weight)))."""

    address = fields.String()
    weight = fields.String()


class ParticipantPage(Schema):
    """The leaves of a census's tree in their order."""

    pagination = fields.Nested(Pagination)
    participants = fields.List(fields.Nested(Participant))


class Proof(Schema):
    """What shows that a voter is in the census."""

    root = fields.String()
    weight = fields.String()
    proof = fields.List(fields.String(), metadata={"description": "From below, pairs sorted."})


# Processes.


class Choice(Schema):
    """One of the answers to a question."""

    title = Text(required=True, shortest=1)


class Question(Schema):
    """What voters are asked, and what they can say."""

    title = Text(required=True, shortest=1)
    description = Text(load_default="", longest=2000)
    choices = fields.List(
        fields.Nested(Choice), required=True, validate=validate.Length(min=1, max=MOST_CHOICES)
    )


class NewProcess(Schema):
    """A draft. Without an end it lasts until it is ended; without a start it begins at once."""

    orgAddress = _organization()
    censusId = _id(required=True)
    title = Text(required=True, shortest=1)
    description = Text(load_default="", longest=5000)
    questions = fields.List(
        fields.Nested(Question), required=True, validate=validate.Length(min=1, max=MOST_QUESTIONS)
    )
    startDate = fields.AwareDateTime(format="iso", load_default=None, allow_none=True)
    endDate = fields.AwareDateTime(format="iso", load_default=None, allow_none=True)
    duration = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=1, max=_LONGEST_SECONDS),
        metadata={"description": "Seconds, in place of endDate."},
    )
    maxVoters = fields.Integer(
        strict=True,
        load_default=0,
        validate=validate.Range(min=0, max=_MOST_VOTERS),
        metadata={"description": "0: as many as the census names."},
    )

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        now = datetime.now(UTC)
        start, end = data["startDate"] or now, data["endDate"]
        if not all(_EARLIEST < one < _LATEST for one in (start, end or now)):
            raise ValidationError("Too far away.", "startDate")
        if end and data["duration"]:
            raise ValidationError("Either an end or a duration.", "duration")
        if end and end <= max(start, now):
            raise ValidationError("The end is over, or before the start.", "endDate")


class Process(Schema):
    """A process as anybody may see it."""

    id = _id()
    orgAddress = fields.String()
    censusId = _id()
    title = fields.String()
    description = fields.String()
    questions = fields.List(fields.Nested(Question))
    startDate = _time()
    endDate = _time()
    duration = fields.Integer(allow_none=True)
    maxVoters = fields.Integer()
    status = fields.String(metadata={"description": "DRAFT, and what the chain says from then on."})
    address = _address(62)
    chainId = fields.Integer(
        allow_none=True,
        metadata={"description": "With the registry, what a vote's signature names."},
    )
    registry = _address(40)
    publishedAt = _time()
    createdAt = _time()


class Published(Schema):
    """Where a process is on chain, and what it is there."""

    address = fields.String()
    status = fields.String(metadata={"example": "READY"})


class NewStatus(Schema):
    """What a process is to become."""

    status = fields.String(
        required=True, validate=validate.OneOf(["ready", "paused", "ended", "canceled"])
    )


class ChoiceResult(Schema):
    """What a choice has come to."""

    title = fields.String()
    votes = fields.Integer()
    weight = fields.String()


class QuestionResult(Schema):
    """What the choices of a question have come to."""

    title = fields.String()
    choices = fields.List(fields.Nested(ChoiceResult))


class Results(Schema):
    """What the votes of a process have come to so far."""

    address = fields.String(allow_none=True)
    status = fields.String()
    votes = fields.Integer()
    weight = fields.String()
    questions = fields.List(fields.Nested(QuestionResult))


# Votes.


class Vote(Schema):
    """A signed vote."""

    txPayload = fields.String(
        required=True,
        metadata={
            "description": "In hexadecimal: abi.encode(bytes31 processId, bytes votePackage,"
            " uint256 weight, bytes32[] censusProof, bytes signature)."
        },
    )


class VoteBatch(Schema):
    """Signed votes."""

    votes = fields.List(
        fields.Nested(Vote), required=True, validate=validate.Length(min=1, max=MOST_VOTES)
    )


class VoteOutcome(Schema):
    """The job that relays a vote, or why there is none."""

    jobId = fields.String()
    error = fields.String()
    code = fields.Integer()


class VoteOutcomes(Schema):
    """What became of each vote, in their order."""

    jobs = fields.List(fields.Nested(VoteOutcome))


class CountedVote(Schema):
    """A vote as the chain has it."""

    voteID = fields.String()
    voter = fields.String()
    package = fields.String(metadata={"description": "A byte for each question: the choice."})
    weight = fields.String()
    transaction = fields.String()
    block = fields.Integer()


class VotePage(Schema):
    """The votes of a process in the order in which they became known."""

    pagination = fields.Nested(Pagination)
    votes = fields.List(fields.Nested(CountedVote))
