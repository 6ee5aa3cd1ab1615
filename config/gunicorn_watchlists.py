"""How gunicorn serves the watchlist provider: one process, since each would hold the lists."""

from __future__ import annotations

from config import logs
from config.serving import SILENCE_SECONDS, not_waiting_longer
from config.settings import WatchlistProviderSettings

_settings = WatchlistProviderSettings.from_env()
logs.configure(_settings.log_level)

bind = f"{_settings.watchlist_provider_host}:{_settings.watchlist_provider_port}"
workers = 1
threads = 4
worker_class = "config.serving.Worker"
logger_class = "config.serving.Logger"
when_ready = not_waiting_longer(SILENCE_SECONDS)
#: The lists are read before the first request.
timeout = 60
graceful_timeout = 10
keepalive = 5
#: It would stand in the home folder, where the next gunicorn takes its place.
control_socket_disable = True
#: Request lines hold names and dates of birth: no line about a request is written.
accesslog = None
errorlog = "-"
loglevel = "warning"
