from __future__ import annotations

import pytest
from eth_abi.exceptions import EncodingError
from hypothesis import given
from hypothesis import strategies as st

from tasks.ledger.abi import (
    decode_events,
    decode_output,
    encode_call,
    keccak,
    read_events,
    revert_reason,
)

ZEROS = "00" * 32
PROCESS_ID = bytes(range(31))


def word(number):
    return f"{number:064x}"


def error(text, padding=None):
    """Return what a contract answers that reverts with a text."""
    raw = text.encode()
    padded = raw.ljust(-(-len(raw) // 32) * 32 if padding is None else padding, b"\0")
    return bytes.fromhex("08c379a0" + word(32) + word(len(raw))) + padded


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_the_hash_is_that_of_ethereum_and_not_sha3(data, digest):
    assert keccak(data).hex() == digest


@pytest.mark.parametrize(
    ("contract", "function", "arguments", "data"),
    [
        (
            *("ProcessRegistry", "setProcessStatus", (PROCESS_ID, 3)),
            "082b642e" + PROCESS_ID.hex() + "00" + word(3),
        ),
        ("ProcessRegistry", "getProcess", (PROCESS_ID,), "59d821c4" + PROCESS_ID.hex() + "00"),
        (
            *("CredentialRegistry", "revoke", (b"\x01" * 32, [b"\x02" * 32])),
            "434f0f71" + "01" * 32 + word(64) + word(1) + "02" * 32,
        ),
        (
            *("CredentialRegistry", "newDid", (b"\x01" * 32, "did:a")),
            "32359009" + "01" * 32 + word(64) + word(5) + "6469643a61" + "00" * 27,
        ),
    ],
)
def test_a_call_is_a_selector_and_its_arguments(contract, function, arguments, data):
    assert encode_call(contract, function, arguments).hex() == data


@pytest.mark.parametrize(
    ("function", "arguments", "selector"),
    [
        ("newProcess", (bytes(32), 0, 0, 0, bytes(32), "", "", b""), "0051c0ee"),
        ("submitVote", (PROCESS_ID, b"", 0, [], 27, bytes(32), bytes(32)), "bb3f87a4"),
        ("isUsed", (PROCESS_ID, bytes(32)), "994346e7"),
        ("voteDigest", (PROCESS_ID, b""), "50a1d308"),
        ("processOf", ("0x" + "ab" * 20, bytes(32)), "9117d4ab"),
    ],
)
def test_selectors_are_those_of_the_compiler(function, arguments, selector):
    assert encode_call("ProcessRegistry", function, arguments)[:4].hex() == selector


@pytest.mark.parametrize("arguments", [(PROCESS_ID,), (PROCESS_ID, 256), (bytes(32), 1), ("0x", 1)])
def test_arguments_that_do_not_fit_are_refused(arguments):
    with pytest.raises((EncodingError, ValueError)):
        encode_call("ProcessRegistry", "setProcessStatus", arguments)


def test_what_a_contract_does_not_have_cannot_be_called():
    with pytest.raises(KeyError, match="ProcessRegistry has no function revoke"):
        encode_call("ProcessRegistry", "revoke", ())
    with pytest.raises(KeyError):
        decode_output("ProcessRegistry", "VoteCast", b"")


def test_an_answer_is_fit_for_json():
    owner = "00" * 12 + "Ab" * 20

    assert decode_output("CredentialRegistry", "isRevoked", bytes.fromhex(word(1))) is True
    assert decode_output("CredentialRegistry", "ownerOfDid", bytes.fromhex(owner)) == (
        "0x" + "ab" * 20
    )
    assert decode_output("CredentialRegistry", "getSchema", bytes.fromhex(owner + "cD" * 32)) == (
        "0x" + "ab" * 20,
        "0x" + "cd" * 32,
    )
    assert decode_output("CredentialRegistry", "removeDid", b"") == ()


#: The hashes of the events' signatures.
REVOKED = "0x" + keccak(b"Revoked(bytes32,bytes32)").hex()
VOTE_CAST = "0x" + keccak(b"VoteCast(bytes31,bytes32,address,uint256,bytes)").hex()


def revoked(credential):
    return {"topics": [REVOKED, "0x" + "01" * 32, "0x" + credential * 32], "data": "0x"}


def test_an_event_has_its_arguments_by_name_in_the_contracts_order():
    log = {
        "topics": [VOTE_CAST, "0x" + "Aa" * 31 + "00", "0x" + "bb" * 32, "0x" + word(0xCC)],
        "data": "0x" + word(5) + word(64) + word(2) + "0102" + "00" * 30,
    }

    (event,) = read_events("ProcessRegistry", [log])

    assert event.name == "VoteCast"
    assert list(event.arguments.items()) == [
        ("processId", "0x" + "aa" * 31),
        ("nullifier", "0x" + "bb" * 32),
        ("voter", "0x" + "00" * 19 + "cc"),
        ("weight", 5),
        ("votePackage", "0x0102"),
    ]


def test_logs_of_others_are_left_out():
    other = {"topics": ["0x" + "dd" * 32], "data": "0x"}
    anonymous = {"topics": [], "data": "0x01"}

    assert read_events("CredentialRegistry", [other, anonymous]) == []
    assert read_events("ProcessRegistry", [revoked("02")]) == []
    assert decode_events("CredentialRegistry", [other, revoked("02"), anonymous]) == {
        "Revoked": {"id": "0x" + "01" * 32, "credentialId": "0x" + "02" * 32}
    }


def test_of_several_events_of_a_name_all_are_read_and_the_last_is_named():
    logs = [revoked("02"), revoked("03")]

    assert [
        event.arguments["credentialId"][:4] for event in read_events("CredentialRegistry", logs)
    ] == ["0x02", "0x03"]
    assert decode_events("CredentialRegistry", logs)["Revoked"]["credentialId"] == "0x" + "03" * 32


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "reverted without a reason"),
        (error("InvalidStatus"), "InvalidStatus"),
        (error("Nobody may, äöü"), "Nobody may, äöü"),
        (error("short", padding=5), "short"),
        (error(""), "reverted without a reason"),
        (error(" \n\0 "), "reverted without a reason"),
        (error("two\nlines\tand\0 a nul\x1b[31m"), "two lines and a nul [31m"),
        (error("x" * 1000), "x" * 200),
        (bytes.fromhex("4e487b71" + word(0x11)), "a number overflowed (panic 0x11)"),
        (bytes.fromhex("4e487b71" + word(0x12)), "division by zero (panic 0x12)"),
        (bytes.fromhex("4e487b71" + word(0x01)), "an assertion failed (panic 0x01)"),
        (bytes.fromhex("4e487b71" + word(0x99)), "it panicked (panic 0x99)"),
        (bytes.fromhex("08c379a0"), "reverted with a reason that cannot be read"),
        (bytes.fromhex("08c379a0" + "ff" * 64), "reverted with a reason that cannot be read"),
        (bytes.fromhex("4e487b71ff"), "reverted with a reason that cannot be read"),
        (bytes.fromhex("deadbeef" + ZEROS), "reverted with an unknown error 0xdeadbeef"),
        (b"\x01", "reverted with an unknown error 0x01"),
    ],
)
def test_a_revert_says_why_in_one_line(data, reason):
    assert revert_reason(data) == reason


def test_a_text_that_is_no_text_is_still_a_reason():
    raw = bytes.fromhex("08c379a0" + word(32) + word(2) + "ff41" + "00" * 30)

    assert revert_reason(raw) == "�A"


@given(st.sampled_from(["", "08c379a0", "4e487b71", "08c379a0" + word(32)]), st.binary(max_size=99))
def test_every_revert_has_a_reason_that_fits_a_line(beginning, rest):
    reason = revert_reason(bytes.fromhex(beginning) + rest)

    assert reason.isprintable()
    assert 0 < len(reason) <= 200
