"""In whose name an order is given from a shell."""

from __future__ import annotations

import os
import pwd
import socket
from typing import NamedTuple

import click

from app.wiring import wiring
from tasks.records import operators


class Author(NamedTuple):
    """Whom the record names, and what it keeps beside that."""

    #: An operator; or the system's user behind `shell:`, which no operator can be called.
    name: str
    #: The system's user and the machine.
    shell: str


def author(name: str | None) -> Author:
    """Return who gives an order: the operator who is named, or else the system's user.

    Whoever has the shell has the database, so this asks for no password; it is why the record
    keeps the system's user in either case.

    Raises:
        ClickException: nobody of that name may act.
    """
    user = _user()
    shell = f"{user}@{socket.gethostname()}"
    if name is None:
        return Author(f"shell:{user}", shell)
    with wiring().database.statement() as connection:
        found = operators.find(connection, name) if operators.NAME.fullmatch(name) else None
    if found is None or not found.may_act:
        raise click.ClickException("--as names nobody with the role operator")
    return Author(found.name, shell)


def _user() -> str:
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # a container may run as a number that has no name
        return str(number)
