"""The API with routes beside its own, for the figures: the same Flask, the same gunicorn."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import text

from app import create_app as create_api
from app.wiring import wiring
from bench import bare, noop
from tasks.job.dispatch import dispatch_one

if TYPE_CHECKING:
    from flask import Flask

blueprint = Blueprint("bench", __name__)

_INSERT = text("""
    INSERT INTO jobs (id, type, tenant, queue, payload)
    VALUES (:id, 'bench_noop', 'bench', 'bench_noop', :payload)
""")


def create_app() -> Flask:
    """Return the API with the routes of this module."""
    app = create_api()
    app.register_blueprint(blueprint)
    return app


@blueprint.get("/bench/process")
def process() -> Response:
    """Say which process answers."""
    return jsonify({"pid": os.getpid()})


@blueprint.post("/bench/dispatch")
def dispatch() -> Response:
    """Dispatch a job as a route of the product does."""
    payload = json.loads(request.get_data())
    made = dispatch_one(wiring().database, wiring().ringer, noop.NAME, payload, tenant="bench")
    return jsonify({"jobId": made})


@blueprint.post("/bench/insert")
def insert() -> Response:
    """Insert the same row into the same table, and leave it there."""
    payload = json.loads(request.get_data())
    made = secrets.token_hex(16)
    with wiring().database.statement() as connection:
        connection.execute(_INSERT, {"id": made, "payload": json.dumps(payload)})
    return jsonify({"jobId": made})


@blueprint.post("/bench/apply_async")
def apply_async() -> Response:
    """Publish a Celery task and keep no record of it."""
    payload = json.loads(request.get_data())
    return jsonify({"jobId": bare.published.apply_async(kwargs=payload).id})


@blueprint.post("/bench/apply_async_to_poll")
def apply_async_to_poll() -> Response:
    """Publish it from an application that can be asked for results."""
    payload = json.loads(request.get_data())
    return jsonify({"jobId": bare.noop.apply_async(kwargs=payload).id})


@blueprint.get("/bench/nothing")
def nothing() -> Response:
    """Answer what a poll answers, out of thin air."""
    return jsonify({"jobId": "0" * 32, "type": "publish_process", "status": "pending"})


@blueprint.get("/bench/result/<task_id>")
def result(task_id: str) -> dict[str, object]:
    """Poll a Celery task just as Flask's documentation does."""
    found = bare.app.AsyncResult(task_id)
    return {
        "ready": found.ready(),
        "successful": found.successful(),
        "value": found.result if found.ready() else None,
    }
