from __future__ import annotations

import threading

import pytest

from tasks.job import idempotency

BODY = {"members": [{"memberNumber": "1"}]}
OTHER = {"members": [{"memberNumber": "2"}]}


@pytest.fixture
def post(client, tenant):
    """Add members with a key."""

    def send(key: str = "k", *, query: str = "", who=None, **body):
        who = who or tenant
        url = f"/organizations/{who.address}/members{query}"
        headers = {**who.headers, "Idempotency-Key": key}
        return client.post(url, headers=headers, **(body or {"json": BODY}))

    return send


def test_the_same_key_and_body_give_the_same_job(post, stored):
    first, second = post(), post()

    assert first.status_code == second.status_code == 200
    assert first.data == second.data
    assert len(first.json["jobId"]) == 32
    assert stored() == {"jobs": 1, "uploads": 1, "upload_pieces": 1, "idempotency_keys": 1}


def test_another_body_with_the_key_is_422_and_leaves_nothing(post, stored):
    post()
    before = stored()

    response = post(json=OTHER)

    assert (response.status_code, response.json) == (
        422,
        {"error": "the idempotency key was used with a different request", "code": 42200},
    )
    assert stored() == before


def test_the_same_body_in_another_mode_is_another_request(post):
    post()

    assert post(query="?async=false").status_code == 422


def test_a_twin_that_is_under_way_is_409(post, database, tenant, stored):
    with idempotency.using(database, f"voting {tenant.address}", "k"):
        response = post()

    assert (response.status_code, response.json) == (
        409,
        {"error": "a request with this idempotency key is in progress", "code": 40900},
    )
    assert stored() == {}
    assert post().status_code == 200


def test_of_twins_at_once_one_makes_the_job_and_all_others_get_it_or_409(app, tenant, path, stored):
    gate = threading.Barrier(6)
    answers = []

    def send():
        gate.wait()
        headers = {**tenant.headers, "Idempotency-Key": "k"}
        response = app.test_client().post(path, json=BODY, headers=headers)
        answers.append((response.status_code, response.json.get("jobId")))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {status for status, _ in answers} <= {200, 409}
    assert len({job for status, job in answers if status == 200}) == 1
    assert stored()["jobs"] == 1


def test_the_same_key_of_another_organization_is_independent(post, stranger):
    mine, theirs = post(), post(who=stranger, json=OTHER)

    assert mine.status_code == theirs.status_code == 200
    assert mine.json["jobId"] != theirs.json["jobId"]


def test_an_import_in_the_request_is_done_once(post, stored):
    first, second = post(query="?async=false"), post(query="?async=false")

    assert first.data == second.data == b'{"added":1,"errors":null}\n'
    assert stored() == {"members": 1, "idempotency_keys": 1}


def test_a_form_is_the_same_whatever_its_boundary(post, stored):
    def form(boundary: str) -> dict[str, object]:
        data = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="m.csv"\r\n'
            f"Content-Type: text/csv\r\n\r\nname\nAda\n\r\n--{boundary}--\r\n"
        )
        return {"data": data, "content_type": f"multipart/form-data; boundary={boundary}"}

    first, second = post(**form("one")), post(**form("another"))

    assert first.status_code == second.status_code == 200
    assert first.json == second.json
    assert stored()["jobs"] == 1


def test_a_file_that_was_sent_again_leaves_no_second_upload(post, stored):
    csv = {"data": b"name\nAda\n", "content_type": "text/csv"}

    first, second = post(**csv), post(**csv)

    assert first.json == second.json
    assert stored()["uploads"] == 1


def test_a_refused_request_does_not_use_the_key_up(post):
    refused = post(data=b"{", content_type="application/json")

    assert refused.status_code == 400
    assert post().status_code == 200


def test_the_answer_outlives_the_job(post, auditor):
    first = post()
    auditor.rows("DELETE FROM jobs")

    assert post().data == first.data


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\u0085"])
def test_a_key_has_1_to_255_printable_characters(post, stored, key):
    response = post(key)

    assert (response.status_code, response.json["code"]) == (400, 40010)
    assert stored() == {}


def test_without_a_key_every_request_is_a_job(client, tenant, path, stored):
    for _ in range(2):
        client.post(path, json=BODY, headers=tenant.headers)

    assert stored()["jobs"] == 2
