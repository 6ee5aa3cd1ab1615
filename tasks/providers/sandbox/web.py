"""The provider's HTTP interface: payroll portals, banks, and a way in for tests."""

from __future__ import annotations

import structlog
from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from config import logs
from config.settings import SandboxProviderSettings
from tasks.providers.sandbox.bank import Bank
from tasks.providers.sandbox.control import Control
from tasks.providers.sandbox.mishaps import Mishaps
from tasks.providers.sandbox.portal import Portal
from tasks.providers.sandbox.seed import plant
from tasks.providers.sandbox.store import Store
from tasks.providers.sandbox.vault import Vault

log = structlog.get_logger(__name__)

#: The largest request that anybody needs; bytes.
MAX_REQUEST_BYTES = 256 * 1024


def create_app(settings: SandboxProviderSettings | None = None) -> Flask:
    """Return the WSGI application, with the accounts of the beginning in its store.

    Raises:
        SettingsInvalid: the environment is wrong.
    """
    settings = settings or SandboxProviderSettings.from_env()
    logs.configure(settings.log_level)
    vault = Vault(
        Store(settings.sandbox_file),
        session_seconds=settings.sandbox_session_seconds,
        code_seconds=settings.sandbox_code_seconds,
    )
    plant(vault)
    return application(vault, settings)


def application(vault: Vault, settings: SandboxProviderSettings) -> Flask:
    """Return the WSGI application over a vault."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.register_error_handler(HTTPException, _failed)
    app.register_error_handler(Exception, _unexpected)
    app.add_url_rule("/healthz", "healthz", lambda: jsonify({"status": "ok"}))
    slow = settings.sandbox_slow_seconds
    app.register_blueprint(Portal(vault, slow_seconds=slow).blueprint())
    app.register_blueprint(Bank(vault, slow_seconds=slow).blueprint())
    if settings.sandbox_control_key:
        mishaps = Mishaps()
        app.before_request(mishaps.befall)
        control = Control(vault, mishaps, settings.sandbox_control_key)
        app.register_blueprint(control.blueprint())
    return app


def _failed(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.name.lower().replace(" ", "_")), error.code or 500


def _unexpected(error: Exception) -> tuple[Response, int]:
    log.error("request_failed", exc_info=error)
    return jsonify(error="internal_server_error"), 500
