"""How gunicorn serves the watchlist provider: one process, since each would hold the lists."""

from __future__ import annotations

from config.settings import WatchlistProviderSettings

_settings = WatchlistProviderSettings.from_env()

bind = f"{_settings.watchlist_provider_host}:{_settings.watchlist_provider_port}"
workers = 1
threads = 4
worker_class = "gthread"
#: The lists are read before the first request.
timeout = 60
graceful_timeout = 10
keepalive = 5
#: Request lines hold names and dates of birth: no line about a request is written.
accesslog = None
errorlog = "-"
loglevel = "warning"
