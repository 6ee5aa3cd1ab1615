"""Services that call the screening API, and runs that the system starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from app.cli.group import Command, Group
from app.wiring import wiring
from tasks.job.dispatch import dispatching
from tasks.job.errors import GateHeld
from tasks.records import services, verifications
from tasks.records.services import CHANNELS

if TYPE_CHECKING:
    from sqlalchemy import Connection

callers = Group("services", help="Services that call the screening API, and their keys.")


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


@click.command("screen", cls=Command)
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
