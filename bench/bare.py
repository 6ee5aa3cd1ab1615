"""Celery as most people run it: what the figures are compared with.

`celery -A bench.bare worker` finds the application that stores results in Redis. The publisher has
no result store, which is the faster way to publish: with one, every publish subscribes.
"""

from __future__ import annotations

import os

from celery import Celery

from config.celery import broker_url

QUEUE = "bare"
_URL = broker_url(os.environ["REDIS_URL"])


def _celery(backend: str | None) -> Celery:
    made = Celery("bare", broker=_URL, backend=backend, set_as_current=False)
    made.conf.task_default_queue = QUEUE
    # A stock setting of anybody who starts workers before or after Redis.
    made.conf.broker_connection_retry_on_startup = True
    return made


app = _celery(_URL)
publisher = _celery(None)


@app.task(name="bare.noop", shared=False)
def noop(n: int) -> dict[str, int]:
    """Return what came in."""
    return {"n": n}


published = publisher.task(name="bare.noop", shared=False)(noop.run)
