"""What is done from a shell: credentials, roles, limits, and runs that the system starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.accounts import accounts
from app.cli.clients import clients
from app.cli.operators import users
from app.cli.organizations import keys, organizations
from app.cli.sample import sample, token
from app.cli.sealing import reseal_all
from app.cli.services import callers, screen

if TYPE_CHECKING:
    from flask import Flask


def add_commands(app: Flask) -> None:
    """Give an application its commands."""
    for command in (
        *(keys, organizations, callers, accounts, clients, users),
        *(screen, token, sample, reseal_all),
    ):
        app.cli.add_command(command)
