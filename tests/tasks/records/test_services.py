from __future__ import annotations

import re

import pytest

from tasks.records import services
from tasks.records.services import Caller


@pytest.fixture
def connection(database):
    """A connection to this test's database."""
    with database.statement() as connection:
        yield connection


def test_a_key_opens_for_its_own_service_only(connection):
    uid, other = services.add_service(connection), services.add_service(connection)
    key = services.add_key(connection, uid, channel="portal")

    assert re.fullmatch("[0-9A-Za-z]{28}", uid)
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert services.find_caller(connection, uid, key) == Caller(uid, "portal")
    assert services.find_caller(connection, other, key) is None
    assert services.find_caller(connection, uid, "0" * 64) is None


def test_a_key_is_kept_as_its_digest_only(connection, auditor):
    uid = services.add_service(connection, name="Example")
    key = services.add_key(connection, uid, channel="api")

    kept = auditor.one("SELECT encode(digest, 'hex') FROM service_keys")

    assert len(kept) == 64
    assert kept != key


def test_a_revoked_key_opens_nothing_from_now_on(connection):
    uid = services.add_service(connection)
    key = services.add_key(connection, uid, channel="api")
    services.add_key(connection, uid, channel="admin")
    (first, second) = services.keys_of(connection, uid)

    assert services.revoke_key(connection, first.id)
    assert not services.revoke_key(connection, first.id)
    assert services.find_caller(connection, uid, key) is None
    assert [one.revoked for one in services.keys_of(connection, uid)] == [True, False]
    assert (first.channel, second.channel) == ("api", "admin")


def test_a_service_is_known_once_it_is_registered(connection):
    uid = services.add_service(connection)

    assert services.is_known(connection, uid)
    assert not services.is_known(connection, "nobody")
