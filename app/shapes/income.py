"""The income API's JSON, as Truv documents it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.shapes.fault import Fault, error_words
from app.shapes.incoming import complaints
from app.shapes.status import status_words
from tasks.clients.accounts.directory import PROVIDERS
from tasks.webhooks import account_tasks
from tasks.webhooks.account_tasks import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.job.record import Job
    from tasks.records.income_documents import Report
    from tasks.records.income_hooks import Hook
    from tasks.records.income_links import Link
    from tasks.records.income_tasks import AccountTask
    from tasks.records.income_users import Bridge, User

#: Checked here, where every API's words are; they are written in a webhook too.
STATUS = status_words(account_tasks.STATUS)
PRODUCTS = (
    "income",
    "employment",
    "deposit_switch",
    "pll",
    "insurance",
    "transactions",
    "assets",
)
DATA_SOURCES = ("payroll", "docs", "insurance", "financial_accounts", "tax")

#: HTTP status, code and message of every fault. What is not found has a form of its own.
_ERRORS: Mapping[Fault, tuple[int, str, str]] = error_words(
    {
        Fault.UNAUTHENTICATED: (
            401,
            "authentication_failed",
            "Incorrect authentication credentials",
        ),
        Fault.BAD_BODY: (400, "incorrect_parameters", "Incorrect request parameters"),
        Fault.BAD_PARAMETER: (400, "incorrect_parameters", "Incorrect request parameters"),
        Fault.INVALID: (400, "incorrect_parameters", "Incorrect request parameters"),
        Fault.NOT_FOUND: (404, "", ""),
        Fault.NO_SUCH_PATH: (404, "", ""),
        Fault.NO_SUCH_METHOD: (405, "method_not_allowed", "Method not allowed"),
        Fault.TWIN_IN_FLIGHT: (409, "conflict", "The same request is in progress"),
        Fault.IN_FLIGHT: (
            409,
            "conflict",
            "Pay is being sent elsewhere just now",
        ),
        Fault.TOKEN_EXPIRED: (410, "expired_token", "The token is no longer valid"),
        Fault.TOO_LARGE: (413, "too_large", "The body is too large"),
        Fault.KEY_REUSED: (
            422,
            "idempotency_key_reused",
            "The idempotency key was used with a different request",
        ),
        Fault.THROTTLED: (429, "throttled", "Request was throttled"),
        Fault.BROKEN: (500, "internal_error", "Internal server error"),
        Fault.NO_SECRETS: (
            501,
            "not_configured",
            "This service cannot keep secrets: no SEALING_KEYS",
        ),
        Fault.UNAVAILABLE: (503, "unavailable", "Temporarily unavailable, nothing was accepted"),
    }
)


def error(
    fault: Fault, detail: str = "", *, params: Sequence[Mapping[str, str]] = ()
) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body of an error; `params` are the fields at fault."""
    status, code, message = _ERRORS[fault]
    if status == 404:  # noqa: PLR2004
        return status, {"detail": "Not Found."}
    found: dict[str, Any] = {"code": code, "message": message}
    if code == "incorrect_parameters":
        wrong = params or [_param(fault, detail)]
        found["extra"] = {"invalid-params": list(wrong)}
    elif detail:
        found["message"] = f"{message}: {detail}"
    return status, {"error": found}


def _param(fault: Fault, detail: str) -> dict[str, str]:
    if fault is Fault.BAD_BODY:
        return param("body", "The body is no JSON object in UTF-8.")
    return param("request", detail)


def param(field: str, message: str) -> dict[str, str]:
    """One thing that is wrong with a request."""
    return {"field": field, "message": message}


def params(found: Any) -> list[dict[str, str]]:
    """Return what a schema found wrong as it is documented; values are never quoted."""
    return [param(".".join(str(part) for part in path), text) for path, text in complaints(found)]


def user(found: User) -> dict[str, Any]:
    """A user; nobody changes one."""
    return {
        "id": found.id,
        "external_user_id": found.external_user_id,
        "first_name": found.first_name,
        "last_name": found.last_name,
        "email": found.email,
        "phone": found.phone,
        "created_at": stamp(found.created_at),
        "updated_at": stamp(found.created_at),
    }


def bridge(token: str, found: Bridge) -> dict[str, Any]:
    """A bridge token with what it is for, shown once."""
    return {
        "bridge_token": token,
        "user_id": found.user_id,
        "product_type": found.product_type,
        "allowed_products": [found.product_type],
        "tracking_info": found.tracking_info,
        "order_id": found.order_id,
    }


def provider(provider_id: str) -> dict[str, Any]:
    """A payroll provider or bank."""
    found = PROVIDERS[provider_id]
    return {"id": found.id, "name": found.name, "logo_url": found.logo_url}


def task(job: Job, task: AccountTask, bridge_token: str | None) -> dict[str, Any]:
    """A task: the seed's example, field by field."""
    return {
        "id": job.id,
        "status": account_tasks.status(job),
        "product_type": task.product_type,
        "provider": provider(task.provider_id),
        "created_at": stamp(job.created_at),
        "updated_at": stamp(job.updated_at),
        "link_id": task.link_id,
        "user_id": task.user_id,
        "error_message": job.error,
        "tracking_info": task.tracking_info,
        "bridge_token": bridge_token,
        "data_source": PROVIDERS[task.provider_id].data_source,
        "is_suspicious": task.is_suspicious,
        "order_id": task.order_id,
    }


def refresh(job: Job) -> dict[str, Any]:
    """A task that refreshes a link; the vendor calls its date deprecated."""
    return {
        "id": job.id,
        "refresh_date": job.created_at.date().isoformat(),
        "status": account_tasks.status(job),
        "created_at": stamp(job.created_at),
    }


def report(link: Link, found: Report) -> dict[str, Any]:
    """What is known of a link: employments from payroll, accounts from a bank."""
    return {
        "link_id": link.id,
        "user_id": link.user_id,
        "task_id": found.job_id,
        "product_type": found.product_type,
        "provider": provider(link.provider_id),
        "data_source": PROVIDERS[link.provider_id].data_source,
        "is_complete": found.is_complete,
        "is_suspicious": found.is_suspicious,
        "updated_at": stamp(found.made_at),
        "employments": list(found.employments),
        "bank_accounts": list(found.accounts),
    }


def page(
    count: int,
    results: Sequence[Mapping[str, Any]],
    *,
    following: str | None,
    previous: str | None,
) -> dict[str, Any]:
    """A part of a list, with the addresses of the parts beside it."""
    return {"count": count, "next": following, "previous": previous, "results": list(results)}


def hook(found: Hook) -> dict[str, Any]:
    """A webhook."""
    return {
        "id": str(found.webhook.id),
        "name": found.webhook.description,
        "webhook_url": found.webhook.url,
        "events": list(found.webhook.events),
        "env_type": found.env_type,
        "created_at": stamp(found.webhook.created_at),
        "updated_at": stamp(found.updated_at),
    }
