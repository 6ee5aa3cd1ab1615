from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from dataclasses import replace

import pytest

from config.sealing import SealUnopened
from config.settings import Settings
from tasks.records.webhooks import Delivery
from tasks.webhooks.forms import Secrets, new_secrets, seal_secrets, signature, write
from tests.conftest import SEALING_KEY

SETTINGS = Settings(database_url="", redis_url="", sealing_keys=(SEALING_KEY,))
#: The example of the specification's libraries.
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DATA = {"id": "2436", "result": {"encodedTx": "0x91"}, "status": "finalized"}


def delivery(secrets: Secrets, **changed: object) -> Delivery:
    """A delivery of a webhook with these secrets."""
    sealed = seal_secrets(SETTINGS, secrets)
    made = Delivery(
        id="msg_1",
        event="credential_revoke",
        data=DATA,
        api="credentials",
        webhook_id=1,
        url="https://example.org/",
        active=True,
        sealed=sealed,
    )
    return replace(made, **changed)


def test_the_signature_is_that_of_the_specification():
    made = signature(SIGNING, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_delivery_has_the_documented_body_and_can_be_checked_with_both_secrets():
    letter = write(SETTINGS, delivery(Secrets("the token", SIGNING)))

    assert json.loads(letter.body) == {
        "token": "the token",
        "event": "credential_revoke",
        "data": DATA,
    }
    assert list(json.loads(letter.body)["data"]) == ["id", "result", "status"]
    headers = letter.headers
    assert (headers["Content-Type"], headers["webhook-id"]) == ("application/json", "msg_1")
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    signed = f"msg_1.{headers['webhook-timestamp']}.".encode() + letter.body
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"


def test_a_delivery_is_the_same_however_often_it_is_written():
    made = delivery(new_secrets())

    assert write(SETTINGS, made).body == write(SETTINGS, made).body


def test_new_secrets_are_long_and_differ_and_a_token_may_be_given():
    first, second = new_secrets(), new_secrets("known")

    assert re.fullmatch(r"[\w-]{64}", first.token)
    assert re.fullmatch(r"whsec_[\w+/]{43}=", first.signing)
    assert second.token == "known"
    assert first.signing != second.signing


def test_secrets_are_sealed_and_opened_with_our_keys_only():
    made = delivery(Secrets("the token", SIGNING))
    stranger = replace(SETTINGS, sealing_keys=("b3Ro" * 10 + "b3Q=",))

    assert b"the token" not in made.sealed
    with pytest.raises(SealUnopened):
        write(stranger, made)
