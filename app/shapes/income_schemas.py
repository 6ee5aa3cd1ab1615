"""The income API's JSON as marshmallow schemas: what comes in, and the OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from app.shapes.income import DATA_SOURCES, PRODUCTS, STATUS
from app.shapes.incoming import Email, Text, storable
from tasks.clients.accounts.directory import PROVIDERS
from tasks.webhooks.account_tasks import EVENT, FAILURES, LINK_DELETED, STAGES

if TYPE_CHECKING:
    from decimal import Decimal

#: What a webhook may ask to be told of; of all these, only the first two ever happen here.
EVENTS = (
    EVENT,
    LINK_DELETED,
    "order-status-updated",
    "order-created",
    "order-refresh-failed",
    "link-connected",
    "link-disconnected",
    "employment-created",
    "employment-updated",
    "profile-created",
    "profile-updated",
    "statements-created",
    "statements-updated",
    "shifts-created",
    "shifts-updated",
    "bank-accounts-created",
    "bank-accounts-updated",
)
#: The longest id or token that is looked at, and the longest of what people enter; characters.
_LONGEST_ID, _LONGEST_NAME, _LONGEST_PASSWORD = 64, 254, 1024
#: The largest share of pay, in per cent, and the largest amount; what makes sense is for its
#: provider to say.
_MOST = {"percent": 1000, "amount": 1_000_000}


class _Lenient(Schema):
    """A body of which fields that are not known here are ignored."""

    class Meta:
        unknown = EXCLUDE


def _token(description: str = "", **more: Any) -> Text:
    example = {"example": "2f67984a110747d190c39e1022c81837"}
    said = {"description": description} if description else {}
    return Text(longest=_LONGEST_ID, shortest=1, metadata={**example, **said}, **more)


def _long_token(**more: Any) -> Text:
    return Text(longest=_LONGEST_PASSWORD, shortest=1, **more)


def _as_it_is(longest: int, **more: Any) -> fields.String:
    """Return the field of a text that is not trimmed."""
    return fields.String(validate=[storable, validate.Length(min=1, max=longest)], **more)


def _product(**more: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(PRODUCTS), **more)


class IncomeFault(Schema):
    """What went wrong."""

    code = fields.String(required=True, metadata={"example": "incorrect_parameters"})
    message = fields.String(required=True)
    extra = fields.Dict(metadata={"description": "`invalid-params`: a field and a message each."})


class IncomeError(Schema):
    """Every error of the income API but 404, which is `{"detail": "Not Found."}`."""

    error = fields.Nested(IncomeFault)
    detail = fields.String()


class NewUser(_Lenient):
    """Somebody whose account is to be connected."""

    external_user_id = Text(required=True, shortest=1, metadata={"example": "12345"})
    first_name = Text(load_default=None, allow_none=True)
    last_name = Text(load_default=None, allow_none=True)
    email = Email(load_default=None, allow_none=True)
    phone = Text(load_default=None, allow_none=True, longest=64)


class UserInfo(Schema):
    """A user."""

    id = fields.String(required=True, metadata={"maxLength": 32})
    external_user_id = fields.String(required=True)
    first_name = fields.String(required=True, allow_none=True)
    last_name = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    created_at = fields.String(required=True, metadata={"format": "date-time"})
    updated_at = fields.String(required=True, metadata={"format": "date-time"})


def _is_value(value: Decimal, most: int) -> None:
    if not 0 < value <= most:
        raise ValidationError(f"Must be above 0 and at most {most}.", "deposit_value")
    if value != round(value, 2):
        raise ValidationError("Must have no more than two decimals.", "deposit_value")


class DepositAccount(_Lenient):
    """The bank account that pay is to go to, and how much of it."""

    account_number = fields.String(required=True, validate=validate.Regexp(r"[0-9]{4,17}\Z"))
    routing_number = fields.String(required=True, validate=validate.Regexp(r"[0-9]{9}\Z"))
    account_type = fields.String(
        load_default="checking", validate=validate.OneOf(["checking", "savings"])
    )
    deposit_type = fields.String(load_default="entire", validate=validate.OneOf(["entire", *_MOST]))
    deposit_value = fields.Decimal(
        load_default=None,
        allow_none=True,
        allow_nan=False,
        # As numbers of JSON, which the document's own Decimals would not be.
        metadata={
            "description": "Per cent of the pay, or an amount of each; not with `entire`.",
            "minimum": 0,
            "maximum": max(_MOST.values()),
        },
    )

    @validates_schema
    def _needs_value(self, data: dict[str, Any], **_: Any) -> None:
        most = _MOST.get(data["deposit_type"])
        if most is None:
            return
        if data["deposit_value"] is None:
            raise ValidationError("Missing data for required field.", "deposit_value")
        _is_value(data["deposit_value"], most)


class NewBridgeToken(_Lenient):
    """What a user is to be signed in for."""

    product_type = _product(required=True)
    tracking_info = Text(load_default=None, allow_none=True, longest=1024)
    order_id = _token(load_default=None, allow_none=True)
    access_token = _token(
        "That of a link which is to be connected again.", load_default=None, allow_none=True
    )
    account = fields.Nested(DepositAccount, load_default=None, allow_none=False)

    @validates_schema
    def _needs_account(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("product_type") == "deposit_switch" and data.get("account") is None:
            raise ValidationError("Missing data for required field.", "account")


class BridgeToken(Schema):
    """A token that signs a user in, good for six hours."""

    bridge_token = fields.String(required=True)
    user_id = fields.String(required=True)
    product_type = fields.String(required=True)
    allowed_products = fields.List(fields.String(), required=True)
    tracking_info = fields.String(required=True, allow_none=True)
    order_id = fields.String(required=True, allow_none=True)


class BridgeLogin(_Lenient):
    """What a user signs in with, at which provider."""

    bridge_token = _token(required=True)
    provider_id = fields.String(
        required=True, validate=validate.OneOf(PROVIDERS), metadata={"example": "adp"}
    )
    username = _as_it_is(_LONGEST_NAME, required=True)
    password = _as_it_is(_LONGEST_PASSWORD, required=True)
    company = _as_it_is(
        _LONGEST_NAME,
        load_default="",
        metadata={"description": "The company's id, where the provider asks for it."},
    )


class LoggingIn(Schema):
    """The task that signs in."""

    task_id = fields.String(required=True)
    link_id = fields.String(required=True)
    public_token = fields.String(
        required=True, metadata={"description": "To be exchanged once for an access token."}
    )


class MfaCode(_Lenient):
    """The code that the provider has sent to its user."""

    code = _as_it_is(_LONGEST_ID, required=True, metadata={"example": "12345"})
    bridge_token = _token("In place of the client's headers.", load_default="")


class TaskId(Schema):
    """A task."""

    task_id = fields.String(required=True)


class NewAccessToken(_Lenient):
    """A public token to be exchanged."""

    public_token = _long_token(required=True)


class AccessToken(Schema):
    """What stands for a link; shown once."""

    access_token = fields.String(required=True)
    link_id = fields.String(required=True)


class NewRefresh(_Lenient):
    """Which link to read again."""

    access_token = _token(required=True)
    product_type = _product(load_default=None, allow_none=True)
    account = fields.Nested(DepositAccount, load_default=None, allow_none=False)


class RefreshTask(Schema):
    """A task that reads a link again."""

    id = fields.String(required=True)
    refresh_date = fields.String(required=True, metadata={"format": "date"})
    status = fields.String(required=True)
    created_at = fields.String(required=True, metadata={"format": "date-time"})


class ProviderInfo(Schema):
    """A payroll provider or bank."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    logo_url = fields.String(required=True, allow_none=True)


class TaskInfo(Schema):
    """A task."""

    id = fields.String(required=True, metadata={"maxLength": 64})
    status = fields.String(
        required=True,
        validate=validate.OneOf(list(dict.fromkeys([*STATUS.values(), *STAGES, *FAILURES]))),
    )
    product_type = _product(required=True)
    provider = fields.Nested(ProviderInfo, required=True)
    created_at = fields.String(required=True, metadata={"format": "date-time"})
    updated_at = fields.String(required=True, metadata={"format": "date-time"})
    link_id = fields.String(required=True, metadata={"maxLength": 64})
    user_id = fields.String(required=True)
    error_message = fields.String(required=True, allow_none=True)
    tracking_info = fields.String(required=True, allow_none=True)
    bridge_token = fields.String(required=True, allow_none=True)
    data_source = fields.String(required=True, validate=validate.OneOf(DATA_SOURCES))
    is_suspicious = fields.Boolean(required=True)
    order_id = fields.String(required=True, allow_none=True)


class _Page(Schema):
    """A part of a list."""

    count = fields.Integer(required=True)
    next = fields.String(required=True, allow_none=True)
    previous = fields.String(required=True, allow_none=True)


class TaskPage(_Page):
    """Tasks, newest first."""

    results = fields.List(fields.Nested(TaskInfo), required=True)


class UserPage(_Page):
    """Users, newest first."""

    results = fields.List(fields.Nested(UserInfo), required=True)


class PartQuery(Schema):
    """Which part of a list."""

    page = fields.String(metadata={"description": "Counted from 1."})
    page_size = fields.String(metadata={"description": "1 to 100; 25 if not given."})


class TasksQuery(PartQuery):
    """Which tasks."""

    user_id = fields.String()


class IncomeReport(Schema):
    """What is known of a link."""

    link_id = fields.String(required=True)
    user_id = fields.String(required=True)
    task_id = fields.String(required=True)
    product_type = _product(required=True)
    provider = fields.Nested(ProviderInfo, required=True)
    data_source = fields.String(required=True)
    is_complete = fields.Boolean(
        required=True, metadata={"description": "Whether every document was read."}
    )
    is_suspicious = fields.Boolean(required=True)
    updated_at = fields.String(required=True, metadata={"format": "date-time"})
    employments = fields.List(fields.Dict(), required=True)
    bank_accounts = fields.List(fields.Dict(), required=True)


class NewHook(_Lenient):
    """Where to be told of what."""

    description = Text(data_key="name", required=True, shortest=1, longest=128)
    url = fields.String(data_key="webhook_url", required=True, validate=storable)
    env_type = fields.String(required=True, validate=validate.OneOf(["sandbox", "dev", "prod"]))
    events = fields.List(
        fields.String(validate=validate.OneOf(EVENTS)),
        load_default=lambda: [EVENT],
        validate=validate.Length(min=1, max=len(EVENTS)),
    )


class HookInfo(Schema):
    """A webhook."""

    id = fields.String(required=True, metadata={"maxLength": 32})
    name = fields.String(required=True)
    webhook_url = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    env_type = fields.String(required=True)
    created_at = fields.String(required=True, metadata={"format": "date-time"})
    updated_at = fields.String(required=True, metadata={"format": "date-time"})


class HookPage(_Page):
    """Webhooks, oldest first."""

    results = fields.List(fields.Nested(HookInfo), required=True)
