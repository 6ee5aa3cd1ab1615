"""`python -m workers`: the worker as it runs in production."""

from __future__ import annotations

import sys

from config import logs
from config.settings import Settings
from tasks.job.errors import JobTypeFaulty
from workers.supervisor import Supervisor

if __name__ == "__main__":
    settings = Settings.of_command()
    logs.configure(settings.log_level)
    try:
        supervisor = Supervisor(settings)
    except JobTypeFaulty as fault:
        sys.exit(str(fault))
    sys.exit(supervisor.run())
