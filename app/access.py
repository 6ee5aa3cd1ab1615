"""Who a request comes from, and what they may do."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import jwt
from flask import g, request

from app.errors import Refused
from app.shapes.fault import Fault
from app.wiring import wiring
from tasks.records import accounts, income_clients, operators, services, voting

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tasks.records.operators import Operator
    from tasks.records.services import Caller
    from tasks.records.voting import Organization

#: The longest subject of a JWT; characters.
_LONGEST_SUBJECT = 255
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_API_KEY = re.compile(r"vsk_[0-9a-f]{64}")
_OPERATOR_TOKEN = re.compile(rf"{operators.PREFIX}[0-9a-f]{{64}}")
_ACCOUNT_KEY = re.compile(rf"{accounts.PREFIX}[0-9a-f]{{64}}")
#: Headers that carry a key or JWT of an account by themselves; the vendor renamed the first one.
_ACCOUNT_HEADERS = ("DOCK-API-TOKEN", "TRUVERA-API-TOKEN")


def bearer() -> str:
    """Return the bearer credential of this request.

    Raises:
        Refused: it has none.
    """
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Refused(Fault.UNAUTHENTICATED)
    return credential.strip()


def subject(credential: str) -> str:
    """Return whom a JWT speaks for.

    Raises:
        Refused: it is no JWT of ours, or has expired.
    """
    settings = wiring().settings
    if not settings.jwt_key:  # anybody can sign with an empty secret
        raise Refused(Fault.UNAUTHENTICATED)
    try:
        claims = jwt.decode(
            credential,
            settings.jwt_key,
            algorithms=[settings.jwt_algorithm],
            options={"require": ["exp", "sub"]},
        )
    except (jwt.InvalidTokenError, jwt.InvalidKeyError):
        raise Refused(Fault.UNAUTHENTICATED) from None
    who = str(claims["sub"])
    # PostgreSQL takes no NUL, and an index no more than what OpenID Connect allows.
    if not who.isprintable() or len(who) > _LONGEST_SUBJECT:
        raise Refused(Fault.UNAUTHENTICATED)
    return who


def organization(connection: Connection, address: str, scope: str) -> Organization:
    """Return the organization that this request may act for in the way of the scope.

    Raises:
        Refused: no credential, a bad one, one of somebody else, or no such organization.
    """
    credential = bearer()
    key = None
    who = ""
    if credential.startswith("vsk_"):
        known = _API_KEY.fullmatch(credential)
        key = voting.find_api_key(connection, credential) if known else None
        if key is None or key.revoked_at is not None:
            raise Refused(Fault.BAD_KEY)
    else:
        who = subject(credential)
    found = named_organization(connection, address)
    if key is not None:
        if key.org_id != found.id:
            raise Refused(Fault.FOREIGN)
        if scope not in key.scopes:
            raise Refused(Fault.MISSING_SCOPE, scope)
    elif voting.role_of(connection, found.id, who) not in voting.MANAGING:
        raise Refused(Fault.FOREIGN)
    return found


def named_organization(connection: Connection, address: str) -> Organization:
    """Return the organization at an address.

    Raises:
        Refused: the address is malformed, or nobody is there.
    """
    if not _ADDRESS.fullmatch(address):
        raise Refused(Fault.BAD_PARAMETER, "malformed address")
    found = voting.find_organization(connection, address)
    if found is None:
        raise Refused(Fault.NO_ORGANIZATION)
    return found


def caller(connection: Connection) -> Caller:
    """Return the service that this request comes from, by `Basic` or `ApiKey` credentials.

    Raises:
        Refused: there are none, or nobody has them.
    """
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "basic":
        try:
            credentials = base64.b64decode(credentials, validate=True).decode()
        except ValueError:
            raise Refused(Fault.UNAUTHENTICATED) from None
    elif scheme.lower() != "apikey":
        raise Refused(Fault.UNAUTHENTICATED)
    uid, _, key = credentials.partition(":")
    # PostgreSQL takes no NUL, which a credential may well hold.
    found = services.find_caller(connection, uid, key) if uid.isalnum() else None
    if found is None:
        raise Refused(Fault.UNAUTHENTICATED)
    g.service_uid = found.service_uid
    return found


def account(connection: Connection) -> str:
    """Return the uid of the account that this request comes from, by a key or a JWT.

    Raises:
        Refused: there is neither, or nobody has it.
    """
    given = (request.headers.get(name, "").strip() for name in _ACCOUNT_HEADERS)
    credential = next(filter(None, given), "") or bearer()
    if credential.startswith(accounts.PREFIX):
        known = _ACCOUNT_KEY.fullmatch(credential)
        owner = accounts.owner_of_key(connection, credential) if known else None
        if owner is None:
            raise Refused(Fault.BAD_KEY)
        return owner
    uid = subject(credential)
    if not accounts.is_known(connection, uid):
        raise Refused(Fault.UNAUTHENTICATED)
    return uid


def client(connection: Connection) -> str:
    """Return the id of the client of the income API that this request comes from.

    Raises:
        Refused: a header is missing, or the two do not belong together.
    """
    client_id = request.headers.get("X-Access-Client-Id", "").strip()
    secret = request.headers.get("X-Access-Secret", "").strip()
    # PostgreSQL takes no NUL. A secret is compared even where there is nothing to compare it with.
    known = client_id if client_id.isalnum() and client_id.isascii() else ""
    if not income_clients.is_secret(connection, known, secret):
        raise Refused(Fault.UNAUTHENTICATED)
    return known


def check_rate(rate: str, client: str) -> None:
    """Count a request of a client that may make so many.

    Raises:
        Refused: there were too many of late.
    """
    after = wiring().throttle.again_after(rate, client)
    if after:
        raise Refused(Fault.THROTTLED, retry_after=str(after))


def operator(connection: Connection) -> Operator:
    """Return the operator whose token this request carries.

    Raises:
        Refused: it carries none, or one that nobody has.
    """
    token = bearer()
    known = _OPERATOR_TOKEN.fullmatch(token)
    found = operators.owner_of_token(connection, token) if known else None
    if found is None:
        raise Refused(Fault.UNAUTHENTICATED)
    return found
