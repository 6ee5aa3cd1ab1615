"""The OpenAPI document at /openapi.json, and a page at /docs that shows it without a CDN."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any, TypeVar

import flask_swagger_ui
from flask import Blueprint, Response, current_app, jsonify, render_template_string
from flask_smorest import Api

from app.shapes.voting_schemas import VotingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask
    from flask_smorest import Blueprint as SmorestBlueprint
    from marshmallow import Schema


View = TypeVar("View")
Security = list[dict[str, list[str]]]

_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Jobspine: the API</title>
  <link rel="stylesheet" href="{{ url_for('reference.static', filename='swagger-ui.css') }}">
</head>
<body>
  <div id="swagger-ui" data-document="{{ url_for('reference.openapi') }}"></div>
  <script src="{{ url_for('reference.static', filename='swagger-ui-bundle.js') }}"></script>
  <script src="{{ url_for('reference.start') }}"></script>
</body>
</html>
"""
_START = """const place = document.getElementById("swagger-ui");
SwaggerUIBundle({ url: place.dataset.document, domNode: place, deepLinking: true });
"""

_blueprint = Blueprint(
    "reference",
    __name__,
    static_folder=str(resources.files(flask_swagger_ui) / "dist"),
    static_url_path="/docs/assets",
)


def document(app: Flask) -> Api:
    """Have an application describe itself; return what its blueprints register with."""
    app.config.update(
        API_TITLE="Jobspine",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        API_SPEC_OPTIONS={
            "components": {
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "An API key (vsk_ and 64 hexadecimal digits) or a JWT.",
                    },
                    "basic": {
                        "type": "http",
                        "scheme": "basic",
                        "description": "The uid and a key of a service.",
                    },
                    "accountKey": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "DOCK-API-TOKEN",
                        "description": "A key of an account (csk_ and 64 digits) or a JWT.",
                    },
                    "clientId": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "X-Access-Client-Id",
                        "description": "The id of a client of the income API.",
                    },
                    "clientSecret": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "X-Access-Secret",
                        "description": "Its access secret; needed together with the id.",
                    },
                    "operatorToken": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A token of an operator (ops_ and 64 digits).",
                    },
                    "serviceKey": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "Authorization",
                        "description": "`ApiKey uid:key`, the same without Base64.",
                    },
                }
            }
        },
    )
    Api.ERROR_SCHEMA = VotingError
    # Every operation says itself what its API's errors look like.
    Api.DEFAULT_ERROR_RESPONSE_NAME = None
    api = Api(app)
    app.extensions["jobspine.openapi"] = api
    app.register_blueprint(_blueprint)
    return api


def describe(
    blueprint: SmorestBlueprint,
    status: int,
    schema: Schema | type[Schema] | None,
    *,
    error: type[Schema],
    security: Security,
) -> Callable[[View], View]:
    """Document who may call an operation, what it answers, and every error in its API's form."""

    def document(view: View) -> View:
        failed = {"schema": error, "description": "Every error."}
        for more in (
            # Said apart: with headers or a query, a 422 is documented in another API's form.
            blueprint.alt_response(422, **failed),
            blueprint.alt_response("default", **failed),
            blueprint.response(status, schema),
            blueprint.doc(security=security),
        ):
            view = more(view)
        return view

    return document


def json_body(schema: type[Schema] | Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    """Return how OpenAPI says that an operation takes JSON."""
    return {"required": required, "content": {"application/json": {"schema": schema}}}


@_blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI document."""
    return jsonify(current_app.extensions["jobspine.openapi"].spec.to_dict())


@_blueprint.get("/docs")
def page() -> str:
    """Return the page that shows the document."""
    return render_template_string(_PAGE)


@_blueprint.get("/docs/start.js")
def start() -> Response:
    """Return what starts the page, so that it needs no inline script."""
    return Response(_START, mimetype="text/javascript")
