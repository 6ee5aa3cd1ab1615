"""The shim that `celery -A workers worker` finds; it holds no logic."""

from __future__ import annotations

from config import failpoints, logs
from config.settings import Settings
from workers.listen import make_worker

settings = Settings.from_env()
logs.configure(settings.log_level)
failpoints.arm(settings.failpoints)
app = make_worker(settings)
# Flower asks for results without saying of whom.
app.set_default()
