"""Credentials to try things with."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import click
import jwt
from flask.cli import with_appcontext

from app.cli.group import Command
from app.wiring import wiring
from tasks.records import accounts, income_clients, operators, services, voting
from tasks.records.voting import SCOPES

if TYPE_CHECKING:
    from sqlalchemy import Connection


@click.command("token", cls=Command)
@click.argument("subject")
@click.option("--hours", default=12, show_default=True)
@with_appcontext
def token(subject: str, hours: int) -> None:
    """Sign a JWT for a subject, where this service holds the secret itself."""
    settings = wiring().settings
    if not settings.jwt_key or not settings.jwt_algorithm.startswith("HS"):
        raise click.ClickException("JWT_KEY is not a secret that can sign")
    claims = {"sub": subject, "exp": int(time.time()) + hours * 3600}
    click.echo(jwt.encode(claims, settings.jwt_key, algorithm=settings.jwt_algorithm))


@click.command("sample", cls=Command)
@with_appcontext
def sample() -> None:
    """Make somebody to try each API with, and print their keys."""
    with wiring().database.transaction() as connection:
        made = voting.add_organization(connection, subject="sample", name="Sample", country="US")
        key = voting.add_api_key(connection, made.id, name="sample", scopes=SCOPES)
        uid = services.add_service(connection, name="sample")
        service_key = services.add_key(connection, uid, channel="api")
        account_key = accounts.add_key(connection, accounts.add_account(connection, name="sample"))
        client_id, secret = income_clients.add(connection, name="sample")
        password = _operator(connection)
    click.echo(f"ORG={made.address}\nKEY={key}\nSERVICE={uid}:{service_key}\nTOKEN={account_key}")
    click.echo(f"CLIENT={client_id}:{secret}\nOPERATOR=sample:{password}")


def _operator(connection: Connection) -> str:
    """Have an operator called sample with a new password, and return that."""
    password = secrets.token_urlsafe(16)
    if not operators.add(connection, "sample", password=password, role="operator"):
        operators.change(connection, "sample", password=password)
    return password
