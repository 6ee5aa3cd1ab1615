"""The publishing end: a thin Flask API."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import cli, dashboard, errors, reference
from app.body import WholeRequest
from app.metrics.requests import count_requests
from app.routes import credentials, health, income, jobs, metrics, ops, screening, voting
from app.tracing import trace_requests
from app.wiring import wire
from config import failpoints, logs
from config.settings import Settings, SettingsInvalid
from tasks.job.errors import JobTypeFaulty


def create_app(settings: Settings | None = None) -> Flask:
    """Return the WSGI application, wired as the settings (or the environment) say.

    Raises:
        SettingsInvalid, JobTypeFaulty: the environment does not describe a service that can start.
    """
    try:
        return _create(settings or Settings.from_env())
    except (SettingsInvalid, JobTypeFaulty) as fault:
        if not cli.is_asked_for_commands():
            raise
        return cli.without_settings(fault)


def _create(settings: Settings) -> Flask:
    logs.configure(settings.log_level)
    failpoints.arm(settings.failpoints)
    app = Flask(__name__)
    app.request_class = WholeRequest
    # Real clients write paths with and without a slash at the end, and redirects lose bodies. Two
    # slashes are no path: a redirect would speak in nobody's form.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    # Where a proxy serves us under a prefix it says so, and Location has to say it too. Whom it
    # speaks for is believed only if we are told that it stands there.
    known = settings.proxies
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=known, x_proto=known, x_prefix=1)  # type: ignore[method-assign]
    wire(app, settings)
    count_requests(app)
    trace_requests(app, settings)
    api = reference.document(app)
    api.register_blueprint(voting.blueprint)
    api.register_blueprint(screening.blueprint)
    api.register_blueprint(credentials.blueprint)
    api.register_blueprint(income.blueprint)
    api.register_blueprint(jobs.blueprint)
    api.register_blueprint(ops.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(dashboard.blueprint)
    app.register_blueprint(metrics.blueprint)
    errors.handle_errors(app)
    cli.add_commands(app)
    return app
