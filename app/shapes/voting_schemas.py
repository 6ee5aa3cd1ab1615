"""The voting API's JSON as marshmallow schemas, for the OpenAPI document."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.shapes.incoming import country, storable
from app.shapes.voting import JOB_TYPES


class VotingError(Schema):
    """Every error of the voting API."""

    error = fields.String(required=True, metadata={"example": "job not found"})
    code = fields.Integer(required=True, metadata={"example": 40026})


class NewOrganization(Schema):
    """What may be said of an organization when it is founded."""

    name = fields.String(load_default="", validate=[validate.Length(max=200), storable])
    country = country("ISO 3166 code; national phone numbers are read as of this country.")


class OrganizationAddress(Schema):
    """Where an organization is."""

    address = fields.String(metadata={"example": "0x" + "a1" * 20})


class OrganizationInfo(OrganizationAddress):
    """What anybody may know of an organization."""

    name = fields.String()
    country = fields.String()
    createdAt = fields.String(metadata={"format": "date-time"})


class NewMember(Schema):
    """A member as it is given; unknown fields are kept under `other`."""

    memberNumber = fields.String(
        metadata={"description": "A number that is there already updates that member."}
    )
    name = fields.String()
    surname = fields.String()
    nationalId = fields.String()
    birthDate = fields.String(metadata={"format": "date"})
    email = fields.String(metadata={"format": "email"})
    phone = fields.String()
    password = fields.String(
        load_only=True, metadata={"description": "Kept only as a salted hash."}
    )
    weight = fields.String(metadata={"example": "1", "description": "1 if not given."})
    other = fields.Dict()


class MembersBody(Schema):
    """Members to add."""

    members = fields.List(fields.Nested(NewMember), required=True)


class MembersAdded(Schema):
    """What became of members, or the job that brings them in."""

    added = fields.Integer(required=True)
    errors = fields.List(fields.String(), required=True, allow_none=True)
    jobId = fields.String(metadata={"example": "0f" * 16})


class Member(Schema):
    """A member as it is kept; its password is not shown."""

    id = fields.String()
    memberNumber = fields.String()
    name = fields.String()
    surname = fields.String()
    nationalId = fields.String()
    birthDate = fields.String(metadata={"description": "YYYY-MM-DD, or empty."})
    email = fields.String()
    phone = fields.String()
    weight = fields.String()
    other = fields.Dict()


class Pagination(Schema):
    """Which page of a list this is."""

    totalItems = fields.Integer()
    previousPage = fields.Integer(allow_none=True)
    currentPage = fields.Integer()
    nextPage = fields.Integer(allow_none=True)
    lastPage = fields.Integer()


class MemberPage(Schema):
    """Members of an organization in the order in which they were added."""

    pagination = fields.Nested(Pagination)
    members = fields.List(fields.Nested(Member))


class ImportProgress(Schema):
    """How far a member import is; every number is committed and none goes back."""

    added = fields.Integer(metadata={"example": 120})
    total = fields.Integer(metadata={"example": 200})
    progress = fields.Integer(metadata={"example": 60, "description": "Percent; 100 is done."})
    errors = fields.List(fields.String(), metadata={"example": ["row 3: invalid-email"]})


class JobPoll(Schema):
    """A job as anybody who knows its id may see it."""

    jobId = fields.String(required=True)
    type = fields.String(required=True, validate=validate.OneOf(JOB_TYPES))
    status = fields.String(
        required=True, validate=validate.OneOf(["pending", "completed", "failed"])
    )
    result = fields.Dict(metadata={"description": "Only when completed."})
    error = fields.String(metadata={"description": "Only when failed."})


class ListedJob(Schema):
    """A job in the list of an organization's jobs."""

    jobId = fields.String()
    type = fields.String()
    status = fields.String()
    total = fields.Integer()
    added = fields.Integer()
    errors = fields.List(fields.String())
    createdAt = fields.String(metadata={"format": "date-time"})
    completedAt = fields.String(allow_none=True, metadata={"format": "date-time"})
    completed = fields.Boolean()


class JobPage(Schema):
    """An organization's jobs, newest first."""

    pagination = fields.Nested(Pagination)
    jobs = fields.List(fields.Nested(ListedJob))


class PageQuery(Schema):
    """Which page of a list."""

    page = fields.String(metadata={"description": "From 1 on.", "example": "1"})
    limit = fields.String(metadata={"description": "At most 100; 10 if not given."})


class JobsQuery(PageQuery):
    """Which of an organization's jobs."""

    type = fields.String(metadata={"enum": list(JOB_TYPES)})


class ImportQuery(Schema):
    """How to import."""

    run_async = fields.String(
        data_key="async",
        metadata={"description": "false: import in the request.", "enum": ["true", "false"]},
    )
