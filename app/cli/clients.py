"""Clients that call the income API."""

from __future__ import annotations

import click

from app.cli.group import Group
from app.wiring import wiring
from config.sealing import SealingKeyMissing, seal
from tasks.records import income_clients, income_hooks
from tasks.webhooks.forms import new_secrets, seal_secrets

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
            old = f"\told secret until {one.old_until:%Y-%m-%dT%H:%MZ}" if one.old_until else ""
            click.echo(f"{one.id}\t{'revoked' if one.revoked else 'in use'}\t{one.name}{old}")


@clients.command("rotate")
@click.argument("client_id")
@click.option(
    "--old-for",
    "hours",
    type=click.IntRange(0, 720),
    default=24,
    show_default=True,
    help="Hours for which the old secret is still good; with 0 it is not, from now on.",
)
def rotate(client_id: str, hours: int) -> None:
    """Give a client another access secret and print it: the only time that it can be seen.

    Its webhooks are signed with the new one at once.
    """
    settings, secret = wiring().settings, income_clients.new_secret()
    try:
        sealed = seal(settings, secret.encode())
        signing = seal_secrets(settings, new_secrets(secret))
    except SealingKeyMissing:
        raise click.ClickException("there are no SEALING_KEYS to keep it with") from None
    with wiring().database.transaction() as connection:
        if not income_clients.rotate(connection, client_id, secret, sealed=sealed, hours=hours):
            raise click.ClickException(f"no client {client_id} is in use")
        income_hooks.sign_with(connection, client_id, sealed=signing)
    click.echo(f"{client_id}:{secret}")


@clients.command("revoke")
@click.argument("client_id")
def revoke(client_id: str) -> None:
    """Let a client in no more."""
    with wiring().database.statement() as connection:
        if not income_clients.revoke(connection, client_id):
            raise click.ClickException(f"no client {client_id} is in use")
