"""How gunicorn serves the sandbox provider: one process, since its state is its own."""

from __future__ import annotations

from config.settings import SandboxProviderSettings

_settings = SandboxProviderSettings.from_env()

bind = f"{_settings.sandbox_provider_host}:{_settings.sandbox_provider_port}"
workers = 1
#: Tests hold some of them up.
threads = 16
worker_class = "gthread"
timeout = 60
graceful_timeout = 5
keepalive = 5
#: What is posted is secret, and so are some paths: no line about a request is written.
accesslog = None
errorlog = "-"
loglevel = "warning"
