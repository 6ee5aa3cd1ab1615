from __future__ import annotations

import io
import json
import re

import pytest
from argon2 import PasswordHasher

from app import receive
from tasks import org_members
from tasks.records import voting

CSV = b"memberNumber,name,email\n1,Ada,ada@example.org\n2,Bob,nowhere\n"
NDJSON = (
    b'{"memberNumber":"1","name":"Ada","email":"ada@example.org"}\n'
    b'{"memberNumber":"2","name":"Bob","email":"nowhere"}\n'
)
JSON = b'{"members":[' + NDJSON.strip().replace(b"\n", b",") + b"]}"
BOTH = [
    {"member_number": "1", "name": "Ada", "email": "ada@example.org"},
    {"member_number": "2", "name": "Bob", "email": ""},
]


def files(*given: tuple[bytes, str, str], comment: str = "") -> dict[str, object]:
    """A form with files."""
    parts = [b'Content-Disposition: form-data; name="comment"\r\n\r\n' + comment.encode()]
    for body, name, kind in given:
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        head += f"Content-Type: {kind}\r\n" if kind else ""
        parts.append(head.encode() + b"\r\n" + body)
    data = b"".join(b"--limit\r\n" + part + b"\r\n" for part in parts) + b"--limit--\r\n"
    return {"data": data, "content_type": "multipart/form-data; boundary=limit"}


def form(data: bytes, name: str = "members.csv", kind: str = "text/csv") -> dict[str, object]:
    """A form with one file."""
    return files((data, name, kind))


WAYS = {
    "JSON": {"data": JSON, "content_type": "application/json"},
    "JSON without a content type": {"data": JSON},
    "JSON with a BOM": {"data": b"\xef\xbb\xbf" + JSON, "content_type": "application/json"},
    "JSON with a charset": {"data": JSON, "content_type": "application/json; charset=utf-8"},
    "CSV": {"data": CSV, "content_type": "text/csv"},
    "CSV with a charset": {"data": CSV, "content_type": "text/csv; charset=UTF-8; header=present"},
    "CSV in ASCII": {"data": CSV, "content_type": 'text/csv; charset="US-ASCII"'},
    "CSV with a BOM": {"data": b"\xef\xbb\xbf" + CSV, "content_type": "text/csv"},
    "CSV from Excel": {"data": CSV, "content_type": "application/vnd.ms-excel"},
    "NDJSON": {"data": NDJSON, "content_type": "application/x-ndjson"},
    "JSON lines": {"data": NDJSON, "content_type": "application/jsonl"},
    "a form with CSV": form(CSV),
    "a form with NDJSON": form(NDJSON, "m.bin", "application/x-ndjson"),
    "a form with a charset": form(CSV, kind="Text/CSV; charset=UTF-8"),
    "a form by the name of its file": form(NDJSON, "m.JSONL", "application/octet-stream"),
}


def members_of(auditor):
    return auditor.rows("SELECT member_number, name, email FROM members ORDER BY id")


@pytest.mark.parametrize("way", WAYS)
def test_members_in_every_form_are_imported_in_the_request(client, tenant, path, auditor, way):
    response = client.post(f"{path}?async=false", headers=tenant.headers, **WAYS[way])

    assert response.status_code == 200
    assert response.json == {"added": 2, "errors": ["row 2: invalid-email"]}
    assert members_of(auditor) == BOTH
    assert auditor.one("SELECT count(*) FROM uploads") == 0
    assert auditor.one("SELECT count(*) FROM jobs") == 0


@pytest.mark.parametrize("query", ["", "?async=true", "?async="])
@pytest.mark.parametrize("way", WAYS)
def test_members_in_every_form_become_a_job_that_can_be_polled(
    client, tenant, path, auditor, way, query
):
    response = client.post(f"{path}{query}", headers=tenant.headers, **WAYS[way])

    job = response.json["jobId"]
    assert response.status_code == 200
    assert response.data.decode() == f'{{"added":0,"errors":null,"jobId":"{job}"}}\n'
    assert re.fullmatch("[0-9a-f]{32}", job)
    assert auditor.job(job)["tenant"] == tenant.address
    assert auditor.rows("SELECT job_id FROM uploads") == [{"job_id": job}]
    poll = client.get(f"{path}/job/{job}", headers=tenant.headers)
    assert poll.json == {"added": 0, "total": 0, "progress": 0, "errors": []}
    assert client.get(f"/jobs/{job}").json == {
        "jobId": job,
        "type": "org_members",
        "status": "pending",
    }


@pytest.mark.parametrize("query", ["", "?async=true", "?async=false"])
def test_no_members_are_no_job(client, tenant, path, stored, query):
    response = client.post(f"{path}{query}", headers=tenant.headers, json={"members": []})

    assert (response.status_code, response.json) == (200, {"added": 0, "errors": None})
    assert stored() == {}


def test_good_members_in_the_request_have_errors_null(client, tenant, path):
    response = client.post(
        f"{path}?async=false", headers=tenant.headers, json={"members": [{"name": "Ada"}, {}]}
    )

    assert response.data == b'{"added":2,"errors":null}\n'


def test_a_bad_row_is_an_error_of_its_row_and_the_others_are_added(client, tenant, path, auditor):
    given = {
        "members": [
            {"name": "Ada", "weight": "-1"},
            {"name": "Bob", "email": "x", "phone": "y", "birthDate": "z"},
            {"name": "Cid", "weight": 3},
        ]
    }

    response = client.post(f"{path}?async=false", headers=tenant.headers, json=given)

    assert response.json == {
        "added": 2,
        "errors": [
            "row 1: invalid-weight",
            "row 2: invalid-email",
            "row 2: invalid-phone",
            "row 2: invalid-birthdate",
        ],
    }
    stored = auditor.rows(
        "SELECT name, email, phone, birth_date, weight::int FROM members ORDER BY id"
    )
    assert stored == [
        {"name": "Bob", "email": "", "phone": "", "birth_date": None, "weight": 1},
        {"name": "Cid", "email": "", "phone": "", "birth_date": None, "weight": 3},
    ]


def test_a_password_is_stored_as_a_salted_hash_and_never_shown(client, tenant, path, auditor):
    given = {"members": [{"name": "Ada", "password": "pass-word"}] * 2}

    client.post(f"{path}?async=false", headers=tenant.headers, json=given)

    one, other = (row["password_hash"] for row in auditor.rows("SELECT * FROM members"))
    assert one.startswith("$argon2id$")
    assert PasswordHasher().verify(one, "pass-word")
    assert one != other
    shown = client.get(path, headers=tenant.headers).data
    assert b"pass" not in shown
    assert b"argon2" not in shown


def test_a_repeated_member_number_updates_the_member(client, tenant, path, auditor):
    first = {"members": [{"memberNumber": "1", "name": "Ada", "phone": "+12025550123"}]}
    second = {"members": [{"memberNumber": "1", "name": "Augusta"}, {"memberNumber": "2"}]}

    client.post(f"{path}?async=false", headers=tenant.headers, json=first)
    response = client.post(f"{path}?async=false", headers=tenant.headers, json=second)

    assert response.json == {"added": 2, "errors": None}
    assert auditor.rows("SELECT member_number, name, phone FROM members ORDER BY id") == [
        {"member_number": "1", "name": "Augusta", "phone": ""},
        {"member_number": "2", "name": "", "phone": ""},
    ]


@pytest.mark.parametrize("word", ["maybe", "False", "0", "true,false", " true"])
def test_async_is_true_or_false(client, tenant, path, stored, word):
    response = client.post(
        path, query_string={"async": word}, headers=tenant.headers, json={"members": [{}]}
    )

    assert (response.status_code, response.json) == (
        400,
        {"error": "invalid URL parameter: async is neither true nor false", "code": 40010},
    )
    assert stored() == {}


NAME = "Zaphod-Beeblebrox"
SECRET = "zaphods-pass-word"
PERSON = f'"name":"{NAME}","password":"{SECRET}"'.encode()
ROW = f"{NAME},{SECRET}\n".encode()
JSON_TYPE, CSV_TYPE, NDJSON_TYPE = "application/json", "text/csv", "application/x-ndjson"

#: What a client may get wrong: the content type, and the body.
BAD_BODIES = {
    "an empty body": (JSON_TYPE, b""),
    "an empty body without a type": ("", b""),
    "malformed JSON": (JSON_TYPE, b'{"members":[{' + PERSON),
    "JSON that goes on": (JSON_TYPE, b'{"members":[]} ' + PERSON),
    "no object": (JSON_TYPE, b"[{" + PERSON + b"}]"),
    "no members": (JSON_TYPE, b"{" + PERSON + b"}"),
    "members is null": (JSON_TYPE, b'{"members":null,' + PERSON + b"}"),
    "members is an object": (JSON_TYPE, b'{"members":{' + PERSON + b"}}"),
    "a member is a list": (JSON_TYPE, b'{"members":[["' + NAME.encode() + b'"]]}'),
    "a member is null": (JSON_TYPE, b'{"members":[{' + PERSON + b"},null]}"),
    "a name is a number": (JSON_TYPE, b'{"members":[{' + PERSON + b'},{"name":1}]}'),
    "other is a list": (JSON_TYPE, b'{"members":[{"other":[],' + PERSON + b"}]}"),
    "a NUL byte": (JSON_TYPE, b'{"members":[{' + PERSON + b"\0}]}"),
    "an escaped NUL": (JSON_TYPE, b'{"members":[{"surname":"\\u0000",' + PERSON + b"}]}"),
    "half a character": (JSON_TYPE, b'{"members":[{"surname":"\\ud800",' + PERSON + b"}]}"),
    "UTF-16": (JSON_TYPE, ('{"members":[{"name":"' + NAME + '"}]}').encode("utf-16")),
    "Latin-1": (JSON_TYPE, ('{"members":[{"name":"é' + NAME + '"}]}').encode("latin-1")),
    "a weight beyond a float": (JSON_TYPE, b'{"members":[{"weight":1e999,' + PERSON + b"}]}"),
    "a field beyond a float": (JSON_TYPE, b'{"members":[{"age":1e999,' + PERSON + b"}]}"),
    "a number that is long written out": (
        JSON_TYPE,
        b'{"members":[{"age":[1e308,1e308],' + PERSON + b"}]}",
    ),
    "a member of two megabytes": (
        JSON_TYPE,
        b'{"members":[{"surname":"' + b"x" * 2_000_000 + b'",' + PERSON + b"}]}",
    ),
    "a charset that is another": (
        "application/json; charset=iso-8859-1",
        b'{"members":[{' + PERSON + b"}]}",
    ),
    "a file in a charset that is another": ("text/csv; charset=utf-16", b"name,password\n" + ROW),
    "a file in a charset that nobody knows": ("text/csv; charset=x\0", b"name,password\n" + ROW),
    "NaN": (JSON_TYPE, b'{"members":[{"age":NaN,' + PERSON + b"}]}"),
    "5000 digits": (JSON_TYPE, b'{"members":[{"weight":' + b"9" * 5000 + b"," + PERSON + b"}]}"),
    "deep nesting": (JSON_TYPE, b'{"members":[{' + PERSON + b',"x":' + b"[" * 200_000),
    "10 MB of garbage": (JSON_TYPE, ROW * (10 * 1024 * 1024 // len(ROW))),
    "CSV sent as JSON": (JSON_TYPE, b"name,password\n" + ROW),
    "an empty file": (CSV_TYPE, b""),
    "blank lines": (CSV_TYPE, b"\n\r\n \n"),
    "nothing but a BOM": (CSV_TYPE, b"\xef\xbb\xbf"),
    "no known column": (CSV_TYPE, b"who,what\n" + ROW),
    "a column twice": (CSV_TYPE, b"name,Name\n" + ROW),
    "no header": (CSV_TYPE, ROW),
    "a NUL in a file": (CSV_TYPE, b"name,password\n" + ROW * 9 + b"\0"),
    "a NUL late in a file": (CSV_TYPE, b"name,password\n" + ROW * 100_000 + b"\0"),
    "a file in UTF-16": (CSV_TYPE, ("name,password\n" + ROW.decode()).encode("utf-16")),
    "a file in Latin-1": (CSV_TYPE, b"name,password\n" + ROW + b"Andr\xe9,x\n"),
    "a file that ends inside a character": (CSV_TYPE, b"name,password\n" + ROW + "é".encode()[:1]),
    "an over-long header": (CSV_TYPE, b"name," + b"x" * (2 * 1024 * 1024) + b"\n" + ROW),
    "JSON sent as CSV": (CSV_TYPE, b'{"members":[{' + PERSON + b"}]}"),
    "no JSON in the first line": (NDJSON_TYPE, ROW),
    "no object in the first line": (NDJSON_TYPE, b"[1]\n{" + PERSON + b"}\n"),
    "an empty NDJSON": (NDJSON_TYPE, b"\n\n"),
    "deep nesting in the first line": (NDJSON_TYPE, b"[" * 200_000 + b"\n{" + PERSON + b"}"),
    "XML": ("application/xml", b"<members>" + ROW + b"</members>"),
    "plain text": ("text/plain", ROW),
    "a spreadsheet": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        b"PK\x03\x04" + ROW,
    ),
    "a form in the URL's encoding": ("application/x-www-form-urlencoded", b"name=" + ROW),
    "a form without a boundary": ("multipart/form-data", b"--x\r\n\r\n" + ROW),
    "a form that breaks off": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="m.csv"\r\n\r\nname,password\n'
        + ROW,
    ),
    "a form that is none": ("multipart/form-data; boundary=x", ROW),
    "an empty form": ("multipart/form-data; boundary=x", b"--x--\r\n"),
}


@pytest.mark.parametrize("query", ["", "?async=false"])
@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_body_is_400_and_leaves_nothing_behind(
    client, tenant, path, stored, logged, case, query
):
    kind, body = BAD_BODIES[case]

    response = client.post(
        f"{path}{query}", data=body, content_type=kind or None, headers=tenant.headers
    )

    assert response.status_code == 400
    assert response.json["code"] == 40004
    assert response.json["error"].startswith("malformed body")
    assert NAME not in response.text
    assert stored() == {}
    for private in (NAME, SECRET, tenant.key):
        assert private not in logged()


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (
            files((CSV, "a.csv", CSV_TYPE), (CSV, "b.csv", CSV_TYPE)),
            "the form has more than one file",
        ),
        (
            files(comment="name\nAda\n"),
            "the form has no file",
        ),
        (files((CSV, "a.pdf", "application/pdf")), "the file is neither CSV nor NDJSON"),
        (files((CSV, "a", "")), "the file is neither CSV nor NDJSON"),
        (files((CSV, "a.csv", "text/csv; charset=windows-1252")), "only UTF-8 is read"),
        (files((b"", "a.csv", CSV_TYPE)), "empty"),
        (files((b"a\0", "a.csv", CSV_TYPE)), "not text in UTF-8"),
        (files((b"name\n" + b"x" * 3_000_000 + b"\xff", "a.csv", CSV_TYPE)), "not text in UTF-8"),
    ],
)
def test_a_form_has_one_file_of_a_known_form(client, tenant, path, stored, sent, detail):
    response = client.post(path, headers=tenant.headers, **sent)

    assert (response.status_code, response.json) == (
        400,
        {"error": f"malformed body: {detail}", "code": 40004},
    )
    assert stored() == {}


def test_a_form_may_have_fields_beside_its_file(client, tenant, path):
    sent = files((CSV, "members.csv", CSV_TYPE), comment="from the office")

    response = client.post(f"{path}?async=false", headers=tenant.headers, **sent)

    assert response.json["added"] == 2


def test_a_content_encoding_is_refused(client, tenant, path, stored):
    headers = {**tenant.headers, "Content-Encoding": "gzip"}

    response = client.post(path, data=CSV, content_type=CSV_TYPE, headers=headers)

    assert (response.status_code, response.json["code"]) == (400, 40004)
    assert stored() == {}


def test_a_body_beyond_the_limit_is_413_and_leaves_nothing(make_client, tenant, path, stored):
    client = make_client(max_json_bytes=1000, max_upload_bytes=2_000_000)
    large = b"name,surname\n" + b"Ada,Lovelace\n" * 200_000

    as_json = client.post(path, json={"members": [{"name": "x" * 1000}]}, headers=tenant.headers)
    as_file = client.post(path, data=large, content_type=CSV_TYPE, headers=tenant.headers)
    in_pieces = client.post(
        path,
        input_stream=io.BytesIO(large),
        content_type=CSV_TYPE,
        headers=tenant.headers,
        environ_overrides={"wsgi.input_terminated": True},
    )
    in_form = client.post(path, headers=tenant.headers, **form(large))

    for response in (as_json, as_file, in_pieces, in_form):
        assert (response.status_code, response.json["code"]) == (413, 41300)
    assert stored() == {}


def test_more_members_than_a_body_may_have_are_413(client, tenant, path, stored, monkeypatch):
    monkeypatch.setattr(receive, "_MOST_MEMBERS", 2)

    fits = client.post(path, json={"members": [{}] * 2}, headers=tenant.headers)
    before = stored()
    refused = client.post(path, json={"members": [{}] * 3}, headers=tenant.headers)

    assert fits.status_code == 200
    assert (refused.status_code, refused.json) == (
        413,
        {"error": "the body is too large: send large imports as CSV or NDJSON", "code": 41300},
    )
    assert stored() == before


def test_a_small_body_of_a_great_many_objects_is_413(client, tenant, path, stored):
    body = b'{"members":[' + b"{}," * 400_000 + b"{}]}"

    refused = client.post(path, data=body, headers=tenant.headers, content_type="application/json")

    assert (refused.status_code, refused.json) == (
        413,
        {"error": "the body is too large: send large imports as CSV or NDJSON", "code": 41300},
    )
    assert stored() == {}


@pytest.mark.parametrize(("limit", "most"), [("REQUEST_SECONDS", -1.0), ("REQUEST_ROWS", 0)])
def test_what_is_too_much_for_a_request_is_413_and_adds_nothing(
    client, tenant, path, stored, monkeypatch, limit, most
):
    monkeypatch.setattr(org_members, limit, most)

    for way in ("JSON", "CSV", "NDJSON"):
        response = client.post(f"{path}?async=false", headers=tenant.headers, **WAYS[way])

        assert (response.status_code, response.json) == (
            413,
            {
                "error": "the body is too large: import large files without async=false",
                "code": 41300,
            },
        )
        assert stored() == {}


class Upload(io.BytesIO):
    """A file at the end of which something happens."""

    def __init__(self, happens):
        super().__init__(b"name\n" + b"Ada\n" * 400_000)
        self._happens = happens

    def read(self, size=-1):
        part = super().read(size)
        if not part:
            self._happens()
        return part


@pytest.mark.parametrize("query", ["", "?async=false"])
def test_a_key_that_is_revoked_while_a_file_comes_in_opens_nothing(
    client, database, tenant, path, stored, auditor, query
):
    def revoke():
        assert stored()["uploads"] == 1
        with database.statement() as connection:
            voting.revoke_api_key(connection, auditor.one("SELECT id FROM api_keys"))

    response = client.post(
        f"{path}{query}",
        input_stream=Upload(revoke),
        content_type=CSV_TYPE,
        headers=tenant.headers,
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert (response.status_code, response.json) == (
        401,
        {"error": "invalid API key", "code": 40156},
    )
    assert stored() == {}


def test_a_file_of_many_pieces_is_spooled_in_pieces_of_a_mebibyte(client, tenant, path, auditor):
    large = "name,surname\n" + "Adé,Lovelace\n" * 200_000

    client.post(path, data=large.encode(), content_type=CSV_TYPE, headers=tenant.headers)

    pieces = auditor.rows("SELECT length(bytes), no FROM upload_pieces ORDER BY no")
    assert pieces == [
        {"length": 1048576, "no": 0},
        {"length": 1048576, "no": 1},
        {"length": 702861, "no": 2},
    ]


# The member limit.


@pytest.fixture
def limited(database, tenant):
    """The organization, with room for two members."""
    with database.transaction() as connection:
        voting.limit_members(connection, tenant.id, 2)
    return tenant


REACHED = {"error": "the organization's member limit is reached", "code": 40145}


@pytest.mark.parametrize("query", ["", "?async=false"])
def test_members_beyond_the_limit_are_401_code_40145(client, limited, path, stored, query):
    given = {"members": [{"memberNumber": "1"}, {"memberNumber": "2"}, {}]}

    response = client.post(f"{path}{query}", json=given, headers=limited.headers)

    assert (response.status_code, response.json) == (401, REACHED)
    assert stored() == {}


def test_updates_and_repetitions_need_no_room(client, limited, path):
    first = {"members": [{"memberNumber": "1"}, {"memberNumber": "1"}, {"memberNumber": "2"}]}
    again = {"members": [{"memberNumber": "2", "name": "Bob"}]}

    for given in (first, again):
        response = client.post(f"{path}?async=false", json=given, headers=limited.headers)
        assert response.status_code == 200
    response = client.post(path, json={"members": [{}]}, headers=limited.headers)

    assert (response.status_code, response.json) == (401, REACHED)


def test_a_file_into_a_full_organization_is_refused_before_it_is_a_job(
    client, limited, path, stored
):
    client.post(f"{path}?async=false", json={"members": [{}, {}]}, headers=limited.headers)

    response = client.post(path, data=CSV, content_type=CSV_TYPE, headers=limited.headers)

    assert (response.status_code, response.json) == (401, REACHED)
    assert stored() == {"members": 2}


def test_a_file_over_the_limit_in_the_request_is_401_and_adds_nothing(
    client, limited, path, stored
):
    response = client.post(
        f"{path}?async=false",
        data=CSV + CSV[24:] + b"3,c,\n",
        content_type=CSV_TYPE,
        headers=limited.headers,
    )

    assert (response.status_code, response.json) == (401, REACHED)
    assert stored() == {}


# The list.


def pages(client, tenant, path, query):
    return client.get(f"{path}{query}", headers=tenant.headers)


def test_an_organization_without_members_has_one_empty_page(client, tenant, path):
    response = pages(client, tenant, path, "")

    assert response.status_code == 200
    assert json.loads(response.data) == {
        "pagination": {
            "totalItems": 0,
            "previousPage": None,
            "currentPage": 1,
            "nextPage": None,
            "lastPage": 1,
        },
        "members": [],
    }


def test_members_are_listed_as_stored_without_their_passwords(client, tenant, path):
    given = {
        "memberNumber": "7",
        "name": "Ada",
        "surname": "Lovelace",
        "nationalId": "X-1",
        "birthDate": "1990-01-31",
        "email": "ada@example.org",
        "phone": "+1 202 555 0123",
        "weight": "12345678901234567890",
        "other": {"team": [1, {"a": None}]},
        "password": "pass-word",
        "town": "Rome",
    }
    client.post(f"{path}?async=false", json={"members": [given, {}]}, headers=tenant.headers)

    first, second = pages(client, tenant, path, "").json["members"]

    assert re.fullmatch("[0-9a-f]{24}", first.pop("id"))
    del given["password"], given["town"]
    assert first == {**given, "other": {"team": [1, {"a": None}], "town": "Rome"}}
    assert second["birthDate"] == ""
    assert second["weight"] == "1"


@pytest.fixture
def many(client, tenant, path):
    """Two hundred and five members in the organization."""
    rows = b"".join(b"%d\n" % n for n in range(1, 206))
    client.post(
        f"{path}?async=false",
        data=b"memberNumber\n" + rows,
        content_type=CSV_TYPE,
        headers=tenant.headers,
    )


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("query", "numbers", "previous", "current", "following", "last"),
    [
        ("", range(1, 11), None, 1, 2, 21),
        ("?page=21", range(201, 206), 20, 21, None, 21),
        ("?page=2&limit=100", range(101, 201), 1, 2, 3, 3),
        ("?limit=0", range(1, 11), None, 1, 2, 21),
        ("?limit=-5", range(1, 11), None, 1, 2, 21),
        ("?limit=1000", range(1, 101), None, 1, 2, 3),
        ("?limit=", range(1, 11), None, 1, 2, 21),
        ("?page=&limit=3", range(1, 4), None, 1, 2, 69),
        ("?page=%2B2&limit=3&colour=red", range(4, 7), 1, 2, 3, 69),
    ],
)
def test_pages_are_numbered_from_one(
    client, tenant, path, query, numbers, previous, current, following, last
):
    response = pages(client, tenant, path, query)

    assert [int(m["memberNumber"]) for m in response.json["members"]] == list(numbers)
    assert response.json["pagination"] == {
        "totalItems": 205,
        "previousPage": previous,
        "currentPage": current,
        "nextPage": following,
        "lastPage": last,
    }


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    "query",
    [
        "page=22",
        "page=0",
        "page=-1",
        "page=one",
        "page=1.0",
        "page=%D9%A1",
        "page=1e1",
        "limit=x",
        "page=" + "9" * 5000,
        "limit=" + "9" * 5000,
        "page=99999999999999999",
        "page=%00",
    ],
)
def test_a_page_that_does_not_exist_is_400_code_40010(client, tenant, path, query):
    response = pages(client, tenant, path, f"?{query}")

    assert (response.status_code, response.json["code"]) == (400, 40010)


# The members job.


def test_a_malformed_job_id_is_400_code_40010(client, tenant, path):
    for job in ("x", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "%00"):
        response = client.get(f"{path}/job/{job}", headers=tenant.headers)

        assert (response.status_code, response.json["code"]) == (400, 40010)


def test_an_unknown_job_is_404_code_40026(client, tenant, path):
    response = client.get(f"{path}/job/{'0' * 32}", headers=tenant.headers)

    assert (response.status_code, response.json) == (404, {"error": "job not found", "code": 40026})


@pytest.mark.parametrize("below", ["", "/errors"])
def test_another_organizations_job_is_404_code_40026(client, tenant, stranger, path, below):
    job = client.post(path, json={"members": [{}]}, headers=tenant.headers).json["jobId"]
    url = f"/organizations/{stranger.address}/members/job/{job}{below}"

    response = client.get(url, headers=stranger.headers)

    assert (response.status_code, response.json) == (404, {"error": "job not found", "code": 40026})


def test_a_job_of_another_type_is_no_import(client, tenant, path, auditor):
    job = client.post(path, json={"members": [{}]}, headers=tenant.headers).json["jobId"]
    auditor.rows("UPDATE jobs SET type = 'publish_process'")

    response = client.get(f"{path}/job/{job}", headers=tenant.headers)

    assert (response.status_code, response.json["code"]) == (404, 40026)


PROGRESS = "UPDATE jobs SET state = 'running', attempts = 1, started_at = now(), progress = %s"


def test_progress_is_what_was_committed(client, tenant, path, auditor):
    job = client.post(path, json={"members": [{}]}, headers=tenant.headers).json["jobId"]
    auditor.rows(PROGRESS, '{"read": 120, "added": 118, "errors": 1, "total": 200}')
    auditor.rows("INSERT INTO import_errors VALUES (%s, 0, 7, 'invalid-phone')", job)

    response = client.get(f"{path}/job/{job}", headers=tenant.headers)

    assert response.json == {
        "added": 118,
        "total": 200,
        "progress": 60,
        "errors": ["row 7: invalid-phone"],
    }


def test_progress_is_100_only_when_the_job_is_over(client, tenant, path, auditor):
    job = client.post(path, json={"members": [{}]}, headers=tenant.headers).json["jobId"]
    auditor.rows(PROGRESS, '{"read": 200, "added": 200, "errors": 0, "total": 200}')

    response = client.get(f"{path}/job/{job}", headers=tenant.headers)

    assert response.json["progress"] == 99


FAIL = (
    "UPDATE jobs SET state = 'failed', attempts = 1, failures = 1, started_at = now(),"
    " finished_at = now(), expires_at = now(), code = 'member_limit', error = 'no room',"
    """ progress = '{"read": 3, "added": 3, "total": 9, "errors": 0}'"""
)


def test_a_failed_import_is_over_and_says_why(client, tenant, path, auditor):
    job = client.post(path, json={"members": [{}]}, headers=tenant.headers).json["jobId"]
    auditor.rows(FAIL)

    assert client.get(f"{path}/job/{job}", headers=tenant.headers).json == {
        "added": 3,
        "total": 9,
        "progress": 100,
        "errors": ["no room"],
    }
    public = client.get(f"/jobs/{job}")
    assert public.status_code == 200
    assert public.json == {
        "jobId": job,
        "type": "org_members",
        "status": "failed",
        "error": "no room",
    }


def test_all_errors_can_be_downloaded(client, tenant, path, auditor):
    job = client.post(path, json={"members": [{}]}, headers=tenant.headers).json["jobId"]
    auditor.rows(
        "INSERT INTO import_errors SELECT %s, n, n + 1, 'invalid-email'"
        " FROM generate_series(0, 2499) AS n",
        job,
    )

    poll = client.get(f"{path}/job/{job}", headers=tenant.headers)
    download = client.get(f"{path}/job/{job}/errors", headers=tenant.headers)

    assert len(poll.json["errors"]) == 1000
    lines = download.text.split("\r\n")
    assert download.mimetype == "text/csv"
    assert (lines[0], lines[1], lines[2500], lines[2501]) == (
        "row,error",
        "1,invalid-email",
        "2500,invalid-email",
        "",
    )


def test_a_form_may_hold_a_file_of_any_size(client, tenant, auditor):
    rows = b"".join(b"%d,Ada\n" % number for number in range(50_000))
    path = f"/organizations/{tenant.address}/members"

    accepted = client.post(path, **form(b"memberNumber,name\n" + rows), headers=tenant.headers)

    assert accepted.status_code == 200
    stored = auditor.one("SELECT sum(length(bytes)) FROM upload_pieces")
    assert stored == len(b"memberNumber,name\n" + rows)
