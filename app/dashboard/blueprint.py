"""What every page of the dashboard shares: who may enter, and what goes with each answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, redirect, request, url_for
from werkzeug.exceptions import NotFound

from app.dashboard.formatting import add_filters, asset
from app.dashboard.visitor import check_form, form_token, introduce, is_behind_proxy, visitor
from app.errors import Refused
from app.shapes.fault import Fault

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue

blueprint = Blueprint(
    "dashboard",
    __name__,
    url_prefix="/dashboard",
    template_folder="templates",
    static_folder="static",
)
add_filters(blueprint)

#: The largest form; bytes.
_MAX_FORM_BYTES = 64 * 1024
#: What anybody may see, and what a viewer may do.
_OPEN = {"dashboard.static", "dashboard.sign_in", "dashboard.check_sign_in"}
_HARMLESS = {"dashboard.sign_out"}
#: The pages that one can go to from everywhere, by their endpoints.
_NAVIGATION = {
    "overview": "Overview",
    "jobs": "Jobs",
    "failures": "Failures",
    "queues": "Queues",
    "workers": "Workers",
    "audit": "Audit trail",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@blueprint.before_request
def guard() -> ResponseReturnValue | None:
    """Let in whoever may see a page; let nobody but an operator do anything."""
    request.max_content_length = _MAX_FORM_BYTES
    is_open = request.endpoint in _OPEN
    if request.endpoint == "dashboard.static":
        return None
    if visitor().operator is None and not is_open:
        return to_sign_in()
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        check_form()
        if not is_open and request.endpoint not in _HARMLESS:
            must_act()
    return None


def to_sign_in() -> Response:
    """Send somebody to where they can sign in, and from there back to here."""
    if page := request.headers.get("HX-Current-URL"):
        # A part of a page cannot be replaced by the form; the whole page is.
        shown = urlsplit(page)._replace(scheme="", netloc="", fragment="").geturl()
        where = url_for("dashboard.sign_in", next=shown.removeprefix(request.script_root))
        response = current_app.make_response(("", 401))
        response.headers["HX-Redirect"] = where
        return response
    is_page = request.method in {"GET", "HEAD"}
    back = request.full_path.removesuffix("?") if is_page else None
    return current_app.make_response(redirect(url_for("dashboard.sign_in", next=back), 303))


def must_act() -> None:
    """See that whoever asks may act.

    Raises:
        Refused: they may only watch.
    """
    operator = visitor().operator
    if operator is None or not operator.may_act:
        raise Refused(Fault.FOREIGN)


@blueprint.after_request
def add_headers(response: Response) -> Response:
    """Have browsers keep to what these pages need, and keep nothing."""
    introduce(response)
    response.headers.update(_HEADERS)
    if request.endpoint != "dashboard.static":
        response.headers["Cache-Control"] = "no-store"
    elif "v" in request.args:  # the address changes with the content
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@blueprint.context_processor
def frame() -> dict[str, Any]:
    """Return what the frame around every page shows, for somebody who is signed in or nobody."""
    who = g.get("visitor")  # an error may have come before we knew
    operator = who.operator if who else None
    return {
        "operator": operator,
        "navigation": _NAVIGATION if operator else {},
        "form_token": form_token,
        "is_behind_proxy": is_behind_proxy(),
        "asset": asset,
    }


@blueprint.route("/<path:_rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def unknown(_rest: str) -> ResponseReturnValue:
    """Answer for all that is no page."""
    raise NotFound
