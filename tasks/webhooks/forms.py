"""How a delivery is written: in the form of its API, with the Standard Webhooks signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from config.sealing import seal, unseal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from config.settings import Settings
    from tasks.records.webhooks import Delivery

_PREFIX = "whsec_"
_KEY_BYTES = 32


class Secrets(NamedTuple):
    """What a receiver tells our deliveries from others' by."""

    #: What the API's own form carries or signs with.
    token: str
    #: What the Standard Webhooks signature is made with: `whsec_` and the key in Base64.
    signing: str


class Letter(NamedTuple):
    """What is sent: the same body and headers of its API however often it is tried."""

    body: bytes
    headers: Mapping[str, str]


def new_secrets(token: str | None = None) -> Secrets:
    """Return secrets that nobody can guess; of a token that the receiver knows already, both."""
    key = token.encode() if token else secrets.token_bytes(_KEY_BYTES)
    signing = f"{_PREFIX}{base64.b64encode(key).decode()}"
    return Secrets(token or secrets.token_urlsafe(48), signing)


def seal_secrets(settings: Settings, given: Secrets) -> bytes:
    """Return secrets as they are kept.

    Raises:
        SealingKeyMissing: they cannot be kept.
    """
    return seal(settings, json.dumps(given).encode())


def write(settings: Settings, delivery: Delivery) -> Letter:
    """Return a delivery as it is sent now.

    Raises:
        SealingKeyMissing, SealUnopened: its webhook's secrets cannot be read.
    """
    opened = Secrets(*json.loads(unseal(settings, delivery.sealed)))
    letter = FORMS[delivery.api](delivery, opened)
    at = int(time.time())
    return letter._replace(
        headers={
            "Content-Type": "application/json",
            **letter.headers,
            "webhook-id": delivery.id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(opened.signing, delivery.id, at, letter.body),
        }
    )


def signature(signing: str, delivery_id: str, at: int, body: bytes) -> str:
    """Return the signature that standardwebhooks.com specifies; `at` is in seconds since 1970."""
    key = base64.b64decode(signing.removeprefix(_PREFIX))
    signed = hmac.new(key, f"{delivery_id}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"


def _credentials(delivery: Delivery, opened: Secrets) -> Letter:
    said = {"token": opened.token, "event": delivery.event, "data": delivery.data}
    return Letter(_body(said), {})


def _income(delivery: Delivery, opened: Secrets) -> Letter:
    """Sign with the client's access secret; what is sent has an id, not where it goes."""
    body = _body({"webhook_id": delivery.id, **delivery.data})
    sign = hmac.new(opened.token.encode(), body, hashlib.sha256).hexdigest()
    return Letter(body, {"X-WEBHOOK-SIGN": f"v1={sign}"})


def _body(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


#: By the API that a webhook belongs to.
FORMS: Mapping[str, Callable[[Delivery, Secrets], Letter]] = {
    "credentials": _credentials,
    "income": _income,
}
