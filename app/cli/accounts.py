"""Accounts that call the credentials API, and their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.cli.group import Group
from app.wiring import wiring
from tasks.records import accounts as records

if TYPE_CHECKING:
    from sqlalchemy import Connection

accounts = Group("accounts", help="Accounts that call the credentials API, and their keys.")


def _check(connection: Connection, uid: str) -> None:
    if not records.is_known(connection, uid):
        raise click.ClickException(f"no account {uid}")


@accounts.command("create")
@click.option("--name", default="", help="Whose it is.")
def create(name: str) -> None:
    """Register an account and print its uid, the subject of its JWTs, with an API key.

    It is the only time that the key can be seen.
    """
    with wiring().database.transaction() as connection:
        uid = records.add_account(connection, name=name)
        click.echo(f"ACCOUNT={uid}\nTOKEN={records.add_key(connection, uid)}")


@accounts.command("key")
@click.argument("uid")
def add_key(uid: str) -> None:
    """Make another key of an account and print it."""
    with wiring().database.transaction() as connection:
        _check(connection, uid)
        click.echo(records.add_key(connection, uid))


@accounts.command("keys")
@click.argument("uid")
def list_keys(uid: str) -> None:
    """List the keys of an account."""
    with wiring().database.statement() as connection:
        _check(connection, uid)
        for key in records.keys_of(connection, uid):
            click.echo(f"{key.id}\t{'revoked' if key.revoked else 'in use'}")


@accounts.command("revoke")
@click.argument("key_id", type=int)
def revoke_key(key_id: int) -> None:
    """Revoke a key of an account from now on."""
    with wiring().database.statement() as connection:
        if not records.revoke_key(connection, key_id):
            raise click.ClickException(f"no key {key_id} is in use")
