"""`jobs sweep`: what the workers' sweep does once a second, once and now."""

from __future__ import annotations

import subprocess
import sys

import click

from app.cli.jobs.group import jobs


@jobs.command("sweep")
@click.pass_context
def sweep(context: click.Context) -> None:
    """Sweep once: end lost claims, ring for what is due, clear what has expired.

    Workers do so by themselves; this is for when none can run. Safe beside them.
    """
    # The sweep is the workers' own, and neither end of a queue imports the other.
    command = [sys.executable, "-m", "workers.sweep"]
    context.exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - it is ours
