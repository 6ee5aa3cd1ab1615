"""What is done from a shell: jobs, credentials, roles, limits, and what is wrong with a service."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import FlaskGroup

from app.cli.accounts import accounts
from app.cli.clients import clients
from app.cli.doctor import doctor
from app.cli.jobs import jobs
from app.cli.operators import users
from app.cli.organizations import keys, organizations
from app.cli.sample import sample, token
from app.cli.sealing import reseal_all
from app.cli.services import callers, screen
from app.wiring import leave_unwired


def add_commands(app: Flask) -> None:
    """Give an application its commands."""
    for command in (
        *(jobs, doctor),
        *(keys, organizations, callers, accounts, clients, users),
        *(screen, token, sample, reseal_all),
    ):
        app.cli.add_command(command)


def is_asked_for_commands() -> bool:
    """Tell whether Flask's command line wants our commands, and not an application to serve."""
    context = click.get_current_context(silent=True)
    return context is not None and isinstance(context.command, FlaskGroup)


def without_settings(fault: Exception) -> Flask:
    """Return an application whose commands say what is wrong with the environment."""
    app = Flask(__name__)
    leave_unwired(app, str(fault))
    add_commands(app)
    return app
