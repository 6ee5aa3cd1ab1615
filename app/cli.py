"""What is done from a shell: credentials, roles, limits, and runs that the system starts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
import jwt
from flask.cli import AppGroup, with_appcontext

from app.wiring import wiring
from tasks.job.dispatch import dispatching
from tasks.job.errors import GateHeld
from tasks.records import services, verifications, voting
from tasks.records.services import CHANNELS
from tasks.records.voting import SCOPES

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Connection

    from tasks.records.voting import Organization

keys = AppGroup("keys", help="API keys of organizations.")
organizations = AppGroup("organizations", help="Organizations and who manages them.")
callers = AppGroup("services", help="Services that call the screening API, and their keys.")


def add_commands(app: Flask) -> None:
    """Give an application its commands."""
    app.cli.add_command(keys)
    app.cli.add_command(organizations)
    app.cli.add_command(callers)
    app.cli.add_command(screen)
    app.cli.add_command(token)
    app.cli.add_command(sample)


def _organization(connection: Connection, address: str) -> Organization:
    found = voting.find_organization(connection, address)
    if found is None:
        raise click.ClickException(f"no organization at {address}")
    return found


@keys.command("create")
@click.option("--org", required=True, help="The organization's address.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), default=SCOPES)
@click.option("--name", default="", help="What it is for.")
def create_key(org: str, scopes: tuple[str, ...], name: str) -> None:
    """Make an API key and print it: the only time that it can be seen."""
    with wiring().database.transaction() as connection:
        organization = _organization(connection, org)
        click.echo(voting.add_api_key(connection, organization.id, name=name, scopes=scopes))


@keys.command("list")
@click.option("--org", required=True, help="The organization's address.")
def list_keys(org: str) -> None:
    """List an organization's API keys."""
    with wiring().database.statement() as connection:
        for key in voting.api_keys_of(connection, _organization(connection, org).id):
            state = "revoked" if key.revoked_at else "in use"
            click.echo(f"{key.id}\t{state}\t{','.join(key.scopes)}\t{key.name}")


@keys.command("revoke")
@click.argument("key_id", type=int)
def revoke_key(key_id: int) -> None:
    """Revoke an API key from now on."""
    with wiring().database.statement() as connection:
        if not voting.revoke_api_key(connection, key_id):
            raise click.ClickException(f"no key {key_id} is in use")


@organizations.command("create")
@click.option("--admin", required=True, help="The subject of the JWTs that administer it.")
@click.option("--name", default="")
@click.option("--country", default="", help="ISO 3166 code, for national phone numbers.")
def create_organization(admin: str, name: str, country: str) -> None:
    """Found an organization and print its address."""
    with wiring().database.transaction() as connection:
        made = voting.add_organization(connection, subject=admin, name=name, country=country)
    click.echo(made.address)


@organizations.command("limit")
@click.argument("address")
@click.argument("members", type=int, required=False)
def limit(address: str, members: int | None) -> None:
    """Limit an organization to so many members; without a number, to none."""
    with wiring().database.transaction() as connection:
        voting.limit_members(connection, _organization(connection, address).id, members)


@organizations.command("grant")
@click.argument("address")
@click.argument("subject")
@click.argument("role", type=click.Choice(["admin", "manager", "viewer"]))
def grant(address: str, subject: str, role: str) -> None:
    """Give the subject of JWTs a role in an organization."""
    with wiring().database.transaction() as connection:
        voting.grant_role(connection, _organization(connection, address).id, subject, role)


def _check_service(connection: Connection, uid: str) -> None:
    if not services.is_known(connection, uid):
        raise click.ClickException(f"no service {uid}")


@callers.command("create")
@click.option("--name", default="", help="Whose it is.")
def create_service(name: str) -> None:
    """Register a service and print its uid with an API key: the only time that it can be seen."""
    with wiring().database.transaction() as connection:
        uid = services.add_service(connection, name=name)
        click.echo(f"{uid}:{services.add_key(connection, uid, channel='api')}")


@callers.command("key")
@click.argument("uid")
@click.option("--channel", type=click.Choice(CHANNELS), default="api", show_default=True)
def add_service_key(uid: str, channel: str) -> None:
    """Make another key of a service and print it; portals and admins have keys of their own."""
    with wiring().database.transaction() as connection:
        _check_service(connection, uid)
        click.echo(f"{uid}:{services.add_key(connection, uid, channel=channel)}")


@callers.command("keys")
@click.argument("uid")
def list_service_keys(uid: str) -> None:
    """List the keys of a service."""
    with wiring().database.statement() as connection:
        _check_service(connection, uid)
        for key in services.keys_of(connection, uid):
            click.echo(f"{key.id}\t{'revoked' if key.revoked else 'in use'}\t{key.channel}")


@callers.command("revoke")
@click.argument("key_id", type=int)
def revoke_service_key(key_id: int) -> None:
    """Revoke a key of a service from now on."""
    with wiring().database.statement() as connection:
        if not services.revoke_key(connection, key_id):
            raise click.ClickException(f"no key {key_id} is in use")


@click.command("screen")
@click.argument("trace")
@with_appcontext
def screen(trace: str) -> None:
    """Screen a verification of any service again, as the system does, and print the run's id."""
    with wiring().database.statement() as connection:
        found = verifications.find_any(connection, trace)
    if found is None:
        raise click.ClickException(f"no verification {trace}")
    number, service_uid = found
    payload = {"verification": number, "source_action": "system"}
    try:
        with dispatching(wiring().database, wiring().ringer) as dispatch:
            job_id = dispatch.add("watchlist", payload, tenant=service_uid)
    except GateHeld as held:
        raise click.ClickException(f"run {held.holder} is in flight") from None
    click.echo(job_id)


@click.command("token")
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


@click.command("sample")
@with_appcontext
def sample() -> None:
    """Found an organization and a service to try things with, and print them with their keys."""
    with wiring().database.transaction() as connection:
        made = voting.add_organization(connection, subject="sample", name="Sample", country="US")
        key = voting.add_api_key(connection, made.id, name="sample", scopes=SCOPES)
        uid = services.add_service(connection, name="sample")
        service_key = services.add_key(connection, uid, channel="api")
    click.echo(f"ORG={made.address}\nKEY={key}\nSERVICE={uid}:{service_key}")
