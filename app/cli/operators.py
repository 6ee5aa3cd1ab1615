"""Operators, who watch jobs and act on them, and their tokens."""

from __future__ import annotations

import click

from app.cli.group import Group
from app.wiring import wiring
from tasks.records import operators as records

users = Group("users", help="Operators of the service, and their tokens.")


@users.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(records.ROLES), default="viewer")
@click.password_option(help="Asked for unless it is given.")
def create(name: str, role: str, password: str) -> None:
    """Make an operator: a viewer looks, an operator also cancels and runs again."""
    if not records.NAME.fullmatch(name):
        raise click.ClickException("a name has letters, digits, and . _ @ - between them")
    _check_password(password)
    with wiring().database.statement() as connection:
        if not records.add(connection, name, password=password, role=role):
            raise click.ClickException(f"{name} is taken")


@users.command("change")
@click.argument("name")
@click.option("--role", type=click.Choice(records.ROLES))
@click.option("--password", is_flag=False, flag_value="", help="Asked for where none follows.")
def change(name: str, role: str | None, password: str | None) -> None:
    """Give an operator another role, another password, or both."""
    if role is None and password is None:
        raise click.UsageError("say what changes: --role or --password")
    if password == "":
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if password is not None:
        _check_password(password)
    with wiring().database.statement() as connection:
        if not records.change(connection, name, role=role, password=password):
            raise click.ClickException(f"no operator {name}")


def _check_password(password: str) -> None:
    if len(password) < records.SHORTEST_PASSWORD:
        least = records.SHORTEST_PASSWORD
        raise click.ClickException(f"a password has at least {least} characters")


@users.command("list")
def list_users() -> None:
    """List the operators with their roles."""
    with wiring().database.statement() as connection:
        for one in records.everybody(connection):
            click.echo(f"{one.name}\t{one.role}")


@users.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove an operator and their tokens; what they did stays on record."""
    with wiring().database.statement() as connection:
        if not records.remove(connection, name):
            raise click.ClickException(f"no operator {name}")


@users.command("token")
@click.argument("name")
@click.option("--label", default="", help="What it is for.")
def add_token(name: str, label: str) -> None:
    """Make a token for an operator's scripts and print it: the only time that it can be seen."""
    with wiring().database.transaction() as connection:
        if records.find(connection, name) is None:
            raise click.ClickException(f"no operator {name}")
        click.echo(records.add_token(connection, name, name=label))


@users.command("tokens")
@click.argument("name")
def list_tokens(name: str) -> None:
    """List an operator's tokens."""
    with wiring().database.statement() as connection:
        if records.find(connection, name) is None:
            raise click.ClickException(f"no operator {name}")
        for one in records.tokens_of(connection, name):
            click.echo(f"{one.id}\t{'revoked' if one.revoked_at else 'in use'}\t{one.name}")


@users.command("revoke")
@click.argument("token_id", type=int)
def revoke_token(token_id: int) -> None:
    """Revoke a token from now on."""
    with wiring().database.statement() as connection:
        if not records.revoke_token(connection, token_id):
            raise click.ClickException(f"no token {token_id} is in use")
