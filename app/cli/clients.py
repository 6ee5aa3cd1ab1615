"""Clients that call the income API."""

from __future__ import annotations

import click

from app.cli.group import Group
from app.wiring import wiring
from tasks.records import income_clients

clients = Group("clients", help="Clients that call the income API.")


@clients.command("create")
@click.option("--name", default="", help="Whose it is.")
def create(name: str) -> None:
    """Register a client and print its id and access secret: the only time that it can be seen."""
    with wiring().database.statement() as connection:
        click.echo(":".join(income_clients.add(connection, name=name)))


@clients.command("list")
def list_clients() -> None:
    """List the clients."""
    with wiring().database.statement() as connection:
        for one in income_clients.everybody(connection):
            click.echo(f"{one.id}\t{'revoked' if one.revoked else 'in use'}\t{one.name}")


@clients.command("revoke")
@click.argument("client_id")
def revoke(client_id: str) -> None:
    """Let a client in no more."""
    with wiring().database.statement() as connection:
        if not income_clients.revoke(connection, client_id):
            raise click.ClickException(f"no client {client_id} is in use")
