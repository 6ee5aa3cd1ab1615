from __future__ import annotations

from config.celery import broker_url, make_celery


def test_the_redis_url_is_spelled_as_kombu_wants_it():
    assert broker_url("unix:///run/redis.sock") == "redis+socket:///run/redis.sock"
    assert broker_url("rediss://cache:6380/1") == "rediss://cache:6380/1"


def test_a_worker_takes_json_only_acknowledges_early_and_stores_no_results(settings):
    app = make_celery(settings, ["bulk", "default"])

    assert app.conf.accept_content == ["json"]
    assert app.conf.task_acks_late is False
    assert app.conf.task_ignore_result is True
    assert app.conf.result_backend is None
    assert [queue.name for queue in app.conf.task_queues] == ["bulk", "default"]


def test_a_worker_waits_for_redis_without_end(settings):
    app = make_celery(settings, ["default"])

    assert app.conf.broker_connection_retry_on_startup is True
    assert app.conf.broker_connection_max_retries is None


def test_states_are_kept_in_redis_for_an_hour_where_events_are_asked_for(with_setting):
    app = make_celery(with_setting(celery_events=True), ["default"])

    assert type(app.backend).__name__ == "RedisBackend"
    assert app.backend.expires == 3600
    assert app.conf.task_ignore_result is True
    assert app.conf.worker_send_task_events is False
