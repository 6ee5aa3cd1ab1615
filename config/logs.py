"""One structured line per event, with the id of the job that it speaks of."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from types import TracebackType

    from structlog.typing import EventDict

log = structlog.get_logger(__name__)

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _error_without_values(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Keep the class and the place of an exception; its text may quote what a client sent."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        if state := getattr(getattr(error, "orig", error), "pgcode", None):
            event["sqlstate"] = state
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            code = trace.tb_frame.f_code
            event["at"] = f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}"
    return event


class _Writer:
    """Writes finished lines to where the root logger writes, past the logging module.

    Every job and every dispatch has lines of its own, and `logging` takes longer over a line than
    all else that belongs to it.
    """

    def __init__(self) -> None:
        self.handler: logging.StreamHandler[Any] = logging.StreamHandler(sys.stderr)

    def write(self, line: str) -> None:
        # A reader that went away must not fail the work that is logged.
        with contextlib.suppress(OSError, ValueError):
            self.handler.stream.write(f"{line}\n")
            self.handler.flush()

    debug = info = warning = error = critical = write


_writer = _Writer()


def _uncaught(kind: type[BaseException], error: BaseException | None, **more: str) -> None:
    """Log an exception that nobody catches, which Python would print with its text.

    What ends a process or a thread on purpose is no news, as little as it is to Python.
    """
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    # Python answers a hook that fails by printing both exceptions.
    with contextlib.suppress(Exception):
        if error is not None and error.__cause__ is not None:
            more["cause"] = type(error.__cause__).__name__
        log.error("uncaught", error=kind.__name__, exc_info=error, **more)


def _uncaught_at_all(
    kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    # Also what C code prints and goes on, such as psycopg2 whose session ends in COPY.
    _uncaught(kind, error)


def _uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    more = {"thread": found.thread.name} if found.thread else {}
    _uncaught(found.exc_type, found.exc_value, **more)


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    _uncaught(found.exc_type, found.exc_value)


def configure(level: str) -> None:
    """Send every log line of this process to standard error as JSON.

    Lines of the libraries pass through the same form. Exceptions are reduced to their class
    and place, because their messages may hold personal data or secrets; those that nobody
    catches as well.
    """
    renderer = structlog.processors.JSONRenderer(sort_keys=True)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _error_without_values,
            renderer,
        ],
    )
    handler = _writer.handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("alembic", "celery", "kombu", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel("WARNING")
    structlog.configure(
        processors=[*_SHARED, _error_without_values, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=lambda *_: _writer,
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _uncaught_at_all
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable
