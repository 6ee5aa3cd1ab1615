"""`python -m workers`: the worker as it runs in production."""

from __future__ import annotations

import sys

from config import logs
from config.settings import Settings
from workers.supervisor import Supervisor

if __name__ == "__main__":
    settings = Settings.from_env()
    logs.configure(settings.log_level)
    sys.exit(Supervisor(settings).run())
