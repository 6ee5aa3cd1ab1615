from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tasks.clients import webhooks
from tasks.clients.webhooks import UrlRefused, is_public, read_url, send
from tests.providers import dribbles, dribbles_a_body, floods, hangs, hangs_up
from tests.receiver import answers

#: None of them belongs to the internet at large.
PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1"]
PUBLIC += ["2606:4700::1111", "2a00:1450:4001:82a::200e"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_internet_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "not an address"),
        ("example.org", "not an address"),
        ("https://", "not an address"),
        ("https:///path", "not an address"),
        ("http://example.org:99999/", "not an address"),
        ("http://example.org:0/", "not an address"),
        ("http://[::1/", "not an address"),
        ("https://exa\nmple.org/", "not an address"),
        ("https://example.org/" + "x" * 2000, "not an address"),
        ("ftp://example.org/", "neither http nor https"),
        ("file:///etc/passwd", "not an address"),
        ("gopher://example.org/", "neither http nor https"),
        ("https://user@example.org/", "with a user or a password in it"),
        ("https://user:secret@example.org/", "with a user or a password in it"),
        ("http://127.0.0.1/", "not a public address"),
        ("http://[::1]/", "not a public address"),
        ("http://[::ffff:10.0.0.1]/", "not a public address"),
        ("http://169.254.169.254/latest/meta-data/", "not a public address"),
    ],
)
def test_what_no_webhook_goes_to_is_refused_without_being_quoted(url, why):
    with pytest.raises(UrlRefused) as refused:
        read_url(url, may_be_private=False)

    assert str(refused.value) == why


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "http://example.org:8080/a?b=c#d",
        "https://1.1.1.1/",
        "https://bücher.example/",
        # A name, of which nobody knows yet where it leads.
        "http://localhost/",
    ],
)
def test_an_address_of_the_internet_may_be_given(url):
    assert read_url(url, may_be_private=False).host


def test_a_private_address_may_be_given_where_that_is_set():
    assert read_url("http://127.0.0.1:8080/", may_be_private=True).port == 8080


def deliver(url: str, **given):
    """Send something, to private addresses unless that is said otherwise."""
    headers = {"Content-Type": "application/json", "webhook-id": "msg_1"}
    return send(url, b'{"a": 1}', headers, **{"may_be_private": True, **given})


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_2xx_is_a_receipt_of_the_body_with_its_headers(receiver, status):
    receiver.otherwise = answers(status)

    outcome = deliver(f"http://localhost:{receiver.port}/hook?x=%20y")

    assert (outcome.code, outcome.reason) == (status, None)
    assert 0 < outcome.seconds < 5
    (told,) = receiver.told
    assert (told.path, told.body) == ("/hook?x=%20y", b'{"a": 1}')
    assert told.headers["host"] == f"localhost:{receiver.port}"
    assert told.headers["content-type"] == "application/json"
    assert told.headers["webhook-id"] == "msg_1"
    assert told.headers["user-agent"] == "Jobspine-Webhooks"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 410, 429, 500, 503])
def test_any_other_answer_is_none(receiver, status):
    receiver.otherwise = answers(status)

    outcome = deliver(receiver.url)

    assert (outcome.code, outcome.reason) == (status, f"the receiver answered {status}")


def test_a_redirect_is_not_followed(receiver):
    receiver.otherwise = answers(307, Location=f"{receiver.url}/elsewhere")

    outcome = deliver(f"{receiver.url}/here")

    assert outcome.code == 307
    assert [told.path for told in receiver.told] == ["/here"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0", "[::1]"]
)
def test_whatever_leads_to_this_machine_is_not_connected_to(receiver, host):
    outcome = deliver(f"http://{host}:{receiver.port}/", may_be_private=False)

    assert (outcome.code, outcome.reason) == (None, "the address is not a public address")
    assert receiver.told == []


def answered(*addresses: str):
    """Return what a name server answers that knows of these addresses."""
    kind = socket.SOCK_STREAM
    return lambda *_, **__: [(socket.AF_INET, kind, 6, "", (one, 0)) for one in addresses]


def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(receiver, monkeypatch):
    asked = []
    real = socket.getaddrinfo

    def rebind(host, *more, **given):
        asked.append(host)
        return real("127.0.0.1", *more, **given)

    monkeypatch.setattr(socket, "getaddrinfo", rebind)

    outcome = deliver(f"http://rebinding.example:{receiver.port}/")

    assert outcome.code == 204
    assert asked.count("rebinding.example") == 1
    assert receiver.told[0].headers["host"] == f"rebinding.example:{receiver.port}"


def test_of_several_addresses_those_that_must_not_be_are_left_out(receiver, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answered("10.0.0.1", "127.0.0.1", "::1"))

    outcome = deliver(f"http://several.example:{receiver.port}/", may_be_private=False)

    assert outcome.reason == "the address is not a public address"
    assert receiver.told == []


def test_an_address_that_cannot_be_reached_leaves_the_next(receiver, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answered("127.0.0.2", "127.0.0.1"))

    assert deliver(f"http://several.example:{receiver.port}/").code == 204


def test_a_name_that_nobody_knows_is_said_to_be_unknown():
    outcome = deliver("http://no-such-name.invalid/")

    assert (outcome.code, outcome.reason) == (None, "the receiver's name is not known")


def test_where_nobody_listens_nobody_is_reached(receiver):
    receiver.stop()
    outcome = deliver(receiver.url)
    receiver.start()

    assert (outcome.code, outcome.reason) == (None, "the receiver could not be reached")


@pytest.fixture
def impatient(monkeypatch):
    """Have the limit at half a second."""
    monkeypatch.setattr(webhooks, "LIMIT_SECONDS", 0.5)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("behaviour", [hangs, dribbles, dribbles_a_body])
def test_a_receiver_that_takes_longer_than_the_limit_has_not_received(receiver, behaviour):
    receiver.otherwise = behaviour

    outcome = deliver(receiver.url)

    assert (outcome.code, outcome.reason) == (None, "the receiver did not answer in time")


@pytest.mark.usefixtures("impatient")
def test_a_name_server_that_takes_longer_than_the_limit_holds_up_nobody(monkeypatch):
    closing = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: closing.wait() and [])

    outcome = deliver("http://slow.example/")
    still_asked = not closing.is_set()
    closing.set()

    assert outcome.reason == "the receiver did not answer in time"
    assert still_asked


def test_the_limit_is_that_of_the_documents():
    assert webhooks.LIMIT_SECONDS == 10


def test_no_more_of_an_answer_is_read_than_a_little(receiver):
    receiver.otherwise = floods

    assert deliver(receiver.url).code == 200


@pytest.mark.parametrize(
    "behaviour", [hangs_up, lambda request: request.wfile.write(b"no HTTP at all\r\n\r\n")]
)
def test_an_answer_that_is_none_is_a_failure(receiver, behaviour):
    receiver.otherwise = behaviour

    outcome = deliver(receiver.url)

    assert (outcome.code, outcome.reason) == (None, "the receiver's answer cannot be read")


# Certificates.


def certificate(folder, name: str):
    """Make a certificate for a name that vouches for itself; return its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / f"{name}.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def encrypted(receiver, tmp_path):
    """Have the receiver speak TLS under a name; return the file of its certificate."""

    def encrypt(name: str):
        file = certificate(tmp_path, name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server = receiver._server
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # that clients hang up is the point
        return file

    return encrypt


@pytest.fixture
def trust(monkeypatch):
    """Have this process trust the certificates of a file."""

    def trusting(file):
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        webhooks._trust.cache_clear()

    yield trusting
    webhooks._trust.cache_clear()


def test_a_certificate_that_nobody_trusted_vouches_for_is_refused(receiver, encrypted):
    encrypted("localhost")

    outcome = deliver(f"https://localhost:{receiver.port}/")

    assert outcome.code is None
    assert outcome.reason == "the receiver's certificate is not valid for its name"
    assert receiver.told == []


def test_a_certificate_is_held_against_the_name_and_not_the_address(
    receiver, encrypted, trust, monkeypatch
):
    trust(encrypted("receiver.example"))
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _, *more, **given: real("127.0.0.1", *more, **given)
    )

    right = deliver(f"https://receiver.example:{receiver.port}/")
    wrong = deliver(f"https://other.example:{receiver.port}/")

    assert (right.code, right.reason) == (204, None)
    assert wrong.reason == "the receiver's certificate is not valid for its name"
    assert len(receiver.told) == 1
