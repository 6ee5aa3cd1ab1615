"""How gunicorn serves the API: a few processes of a few threads."""

from __future__ import annotations

import gc
import importlib
import os
import shutil
from typing import Any

from config import logs, tracing
from config.counted import make_folder
from config.serving import not_waiting_longer
from config.settings import Settings

_settings = Settings.from_env()
logs.configure(_settings.log_level)

bind = f"{_settings.web_host}:{_settings.port}"
workers = _settings.web_processes
threads = _settings.web_threads
worker_class = "config.serving.Worker"
logger_class = "config.serving.Logger"
when_ready = not_waiting_longer(_settings.web_silence_seconds)
#: A large file takes its time; a thread that waits for one does not make its process dead.
timeout = 120
graceful_timeout = 20
keepalive = 5
#: It would stand in the home folder, where the next gunicorn takes its place.
control_socket_disable = True
#: The few files that are served are small, and sendfile waits for a client for ever.
sendfile = False
#: Lines about requests are ours to write: gunicorn's hold query strings.
accesslog = None
errorlog = "-"
loglevel = "warning"

#: Where the processes of this API count together. prometheus_client looks for it here and nowhere
#: else, and does so when it is imported, which is after this.
_counted, _held = make_folder()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_counted)


def on_starting(server: Any) -> None:
    """Load the application's modules once; the processes that serve it fork with them."""
    importlib.import_module(server.app.app_uri.partition(":")[0])
    gc.freeze()


def worker_exit(_server: Any, _worker: Any) -> None:
    """Send the spans of a process that ends."""
    tracing.stop()


def on_exit(_server: Any) -> None:
    """Remove what the processes counted."""
    shutil.rmtree(_counted, ignore_errors=True)
