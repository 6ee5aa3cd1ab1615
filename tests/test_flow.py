"""From HTTP through Redis and a real worker into PostgreSQL, and back by the poll."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import wait_until

#: 537 real people where the list is at hand, eight invented ones where it is not.
LEGISLATORS = Path(__file__).parents[2] / "shared/data/members/legislators.csv"
SAMPLE = Path(__file__).parents[1] / "bench/sample_members.csv"


def test_an_import_becomes_members_and_says_so(start_api, start_worker, tenant, auditor):
    start_worker()
    api = start_api()
    path = f"/organizations/{tenant.address}/members"
    body = b"memberNumber,name,email\n1,Ada,ada@example.org\n2,Bob,no-address\n"

    accepted = api.post(path, content=body, headers={**tenant.headers, "Content-Type": "text/csv"})
    job = accepted.json()["jobId"]
    done = wait_until(lambda: (p := api.get(f"/jobs/{job}").json())["status"] == "completed" and p)
    private = api.get(f"{path}/job/{job}", headers=tenant.headers).json()

    assert accepted.status_code == 200
    assert accepted.json() == {"added": 0, "errors": None, "jobId": job}
    assert done == {
        "jobId": job,
        "type": "org_members",
        "status": "completed",
        "result": {"added": 2, "total": 2, "progress": 100},
    }
    assert private == {"added": 2, "total": 2, "progress": 100, "errors": ["row 2: invalid-email"]}
    members = auditor.rows("SELECT member_number, name, email FROM members ORDER BY id")
    assert members == [
        {"member_number": "1", "name": "Ada", "email": "ada@example.org"},
        {"member_number": "2", "name": "Bob", "email": ""},
    ]
    assert auditor.moves(job) == ["claim", "complete"]
    assert auditor.one("SELECT count(*) FROM upload_pieces") == 0


def test_a_real_file_becomes_members(start_api, start_worker, tenant, auditor):
    file, rows, errors = LEGISLATORS, 537, []
    if not file.exists():
        errors = ["row 4: invalid-email", "row 5: invalid-birthdate", "row 6: invalid-phone"]
        file, rows = SAMPLE, 8
    start_worker()
    api = start_api()
    path = f"/organizations/{tenant.address}/members"

    headers = {**tenant.headers, "Content-Type": "text/csv"}
    job = api.post(path, content=file.read_bytes(), headers=headers).json()["jobId"]
    poll = lambda: api.get(f"{path}/job/{job}", headers=tenant.headers).json()  # noqa: E731
    done = wait_until(lambda: (p := poll())["progress"] == 100 and p)

    assert done == {"added": rows, "total": rows, "progress": 100, "errors": errors}
    assert auditor.one("SELECT count(*) FROM members WHERE org_id = %s", tenant.id) == rows
