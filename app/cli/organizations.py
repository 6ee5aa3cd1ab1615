"""Organizations of the voting API: their keys, roles and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from marshmallow import ValidationError

from app.cli.group import Group
from app.shapes.incoming import first_complaint
from app.shapes.voting_schemas import NewOrganization
from app.wiring import wiring
from tasks.records import voting
from tasks.records.voting import SCOPES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tasks.records.voting import Organization

keys = Group("keys", help="API keys of organizations.")
organizations = Group("organizations", help="Organizations and who manages them.")


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
    try:
        given = NewOrganization().load({"name": name, "country": country})
    except ValidationError as error:
        raise click.ClickException(first_complaint(error.messages)) from None
    with wiring().database.transaction() as connection:
        made = voting.add_organization(connection, subject=admin, **given)
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
