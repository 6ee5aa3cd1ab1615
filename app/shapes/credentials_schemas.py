"""The credentials API's JSON as marshmallow schemas: what comes in, and the OpenAPI document."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from app.shapes.incoming import Text, storable
from tasks.webhooks.transactions import EVENTS, STATUS

#: The longest DID that the contract takes, and how many a policy names.
LONGEST_DID, MOST_DIDS = 256, 32
#: How many credentials one transaction revokes.
MOST_CREDENTIALS = 256
_DID = validate.Regexp(
    r"did:[a-z0-9]{1,32}:[A-Za-z0-9._:%-]+\Z", error="Not a DID of the form did:method:id."
)


def _did(**more: Any) -> fields.String:
    return fields.String(
        validate=[validate.Length(max=LONGEST_DID), _DID],
        metadata={"example": "did:jobspine:3b68ef6c-1eea-493e-9fd5-6f51e5a87fa9"},
        **more,
    )


class _Lenient(Schema):
    """A body of which fields that are not known here are ignored."""

    class Meta:
        unknown = EXCLUDE


class CredentialsError(Schema):
    """Every error of the credentials API."""

    status = fields.Integer(required=True, metadata={"example": 404})
    type = fields.String(required=True, metadata={"example": "NotFound"})
    message = fields.String(required=True, metadata={"example": "job not found"})


class NewDid(_Lenient):
    """A DID to register; without one, a new one is made."""

    did = _did(load_default=None)
    controller = _did(load_default=None)


class NewRegistry(_Lenient):
    """A registry to create."""

    addOnly = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Whether what is revoked stays revoked."},
    )
    policy = fields.List(
        _did(),
        required=True,
        validate=validate.Length(min=1, max=MOST_DIDS),
        metadata={"description": "The DIDs that control it."},
    )
    type = Text(load_default="StatusList2021Entry", shortest=1, longest=64)


class RegistryAction(_Lenient):
    """Which credentials to revoke, or to make good again."""

    action = fields.String(load_default="revoke", validate=validate.OneOf(["revoke", "unrevoke"]))
    credentialIds = fields.List(
        Text(shortest=1),
        required=True,
        validate=validate.Length(min=1, max=MOST_CREDENTIALS),
        metadata={"description": "Their ids, or the hashes of these as 0x and 64 digits."},
    )


class Started(Schema):
    """The job that was dispatched."""

    id = fields.String(required=True, metadata={"example": "2541"})
    data = fields.Dict(required=True)


class Result(Schema):
    """What has become of a transaction."""

    encodedTx = fields.String(metadata={"description": "The signed bytes, as 0x and digits."})
    userData = fields.String(metadata={"description": "The DID concerned."})
    result = fields.Dict(
        metadata={"example": {"InBlock": "0x42a2…"}, "description": "Only when finalized."}
    )
    error = fields.String(metadata={"description": "Only of an error."})


class TransactionPoll(Schema):
    """A transaction job."""

    id = fields.String(required=True, metadata={"example": "2436"})
    status = fields.String(required=True, validate=validate.OneOf(sorted(set(STATUS.values()))))
    result = fields.Nested(Result, metadata={"description": "Once there is one."})


class DidDocument(Schema):
    """A DID document."""

    context = fields.List(fields.String(), data_key="@context")
    id = fields.String(required=True)
    controller = fields.List(fields.String(), required=True)
    status = fields.String(required=True)


class Registry(Schema):
    """A registry."""

    id = fields.String(required=True)
    addOnly = fields.Boolean(required=True)
    policy = fields.List(fields.String(), required=True)
    type = fields.String(required=True)
    status = fields.String(required=True)


class RevocationStatus(Schema):
    """Whether a credential is revoked."""

    type = fields.Boolean(required=True)


class JsonSchema(Schema):
    """A JSON schema as it was given."""

    id = fields.String(required=True)
    schema = fields.Dict(required=True)
    status = fields.String(required=True)


class NewWebhook(_Lenient):
    """Where to be told of what."""

    url = fields.String(required=True, validate=storable)
    events = fields.List(
        fields.String(validate=validate.OneOf(EVENTS)),
        required=True,
        validate=validate.Length(min=1, max=len(EVENTS)),
    )
    description = Text(load_default="")
    status = fields.Integer(
        strict=True,
        load_default=1,
        validate=validate.OneOf([0, 1]),
        metadata={"description": "0 disabled, 1 enabled."},
    )


class WebhookInfo(Schema):
    """A webhook."""

    id = fields.String(required=True)
    url = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    description = fields.String(required=True)
    status = fields.Integer(required=True)
    created = fields.String(required=True, metadata={"format": "date-time"})


class WebhookMade(WebhookInfo):
    """A webhook with its secrets, which are shown this once."""

    secret = fields.String(
        required=True, metadata={"description": "The `token` in the body of every delivery."}
    )
    signingSecret = fields.String(
        required=True,
        metadata={"description": "What the Standard Webhooks signature is made with."},
    )


class WebhookTry(Schema):
    """One try at a delivery."""

    at = fields.String(required=True, metadata={"format": "date-time"})
    responseCode = fields.Integer(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    seconds = fields.Float(required=True)


class WebhookDelivery(Schema):
    """A delivery, with every try at it."""

    id = fields.String(required=True, metadata={"description": "Its `webhook-id`."})
    event = fields.String(required=True)
    jobId = fields.String(required=True)
    status = fields.String(
        required=True, validate=validate.OneOf(["pending", "delivered", "failed"])
    )
    attempts = fields.Integer(required=True)
    responseCode = fields.Integer(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    created = fields.String(required=True, metadata={"format": "date-time"})
    delivered = fields.String(required=True, allow_none=True)
    nextAttempt = fields.String(required=True, allow_none=True)
    log = fields.List(fields.Nested(WebhookTry), required=True)


class Removed(Schema):
    """What was to be removed is."""

    deleted = fields.Boolean(required=True)


class WindowQuery(Schema):
    """Which part of a list."""

    offset = fields.String(metadata={"description": "From 0 on."})
    limit = fields.String(metadata={"description": "At most 64; 64 if not given."})
