"""How gunicorn serves the API: a few processes of a few threads."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

from config import tracing
from config.settings import Settings

_settings = Settings.from_env()

bind = f"{_settings.web_host}:{_settings.port}"
workers = _settings.web_processes
threads = _settings.web_threads
worker_class = "gthread"
#: A large file takes its time; a thread that waits for one does not make its process dead.
timeout = 120
graceful_timeout = 20
keepalive = 5
#: Lines about requests are ours to write: gunicorn's hold query strings.
accesslog = None
errorlog = "-"
loglevel = "warning"

#: Where the processes of this API count together. prometheus_client looks for it here and nowhere
#: else, and does so when it is imported, which is after this.
_counted = tempfile.mkdtemp(prefix="jobspine-metrics-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _counted


def worker_exit(_server: Any, _worker: Any) -> None:
    """Send the spans of a process that ends."""
    tracing.stop()


def on_exit(_server: Any) -> None:
    """Remove what the processes counted."""
    shutil.rmtree(_counted, ignore_errors=True)
