"""How gunicorn serves the sandbox provider: one process, since its state is its own."""

from __future__ import annotations

from config import logs
from config.serving import SILENCE_SECONDS, not_waiting_longer
from config.settings import SandboxProviderSettings

_settings = SandboxProviderSettings.from_env()
logs.configure(_settings.log_level)

bind = f"{_settings.sandbox_provider_host}:{_settings.sandbox_provider_port}"
workers = 1
#: Tests hold some of them up.
threads = 16
worker_class = "config.serving.Worker"
logger_class = "config.serving.Logger"
when_ready = not_waiting_longer(SILENCE_SECONDS)
timeout = 60
graceful_timeout = 5
keepalive = 5
#: It would stand in the home folder, where the next gunicorn takes its place.
control_socket_disable = True
#: What is posted is secret, and so are some paths: no line about a request is written.
accesslog = None
errorlog = "-"
loglevel = "warning"
