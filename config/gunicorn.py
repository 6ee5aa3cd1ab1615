"""How gunicorn serves the API: a few processes of a few threads."""

from __future__ import annotations

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
