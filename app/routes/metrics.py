"""What Prometheus reads, for whoever has the token."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from app.access import bearer
from app.errors import Refused
from app.metrics.record import Record
from app.metrics.requests import counted
from app.shapes.fault import Fault
from app.wiring import wiring

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def show() -> Response:
    """Tell everything that is measured; without PostgreSQL what this API has counted itself."""
    wired = wiring()
    _let_in(wired.settings.metrics_token)
    registry = CollectorRegistry()
    registry.register(counted(wired.settings.prometheus_multiproc_dir))
    registry.register(Record(wired.measured.get()))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)


def _let_in(token: str) -> None:
    """Return if this request may see the metrics.

    Raises:
        Refused: it may not; where there is no token, nobody may.
    """
    if not token:
        raise Refused(Fault.NO_SUCH_PATH)
    if not hmac.compare_digest(bearer().encode(), token.encode()):
        raise Refused(Fault.UNAUTHENTICATED)
