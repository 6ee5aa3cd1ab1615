from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.ledger.ballots import (
    BallotInvalid,
    Vote,
    address_of,
    nullifier,
    read_vote,
    recover,
    sign_vote,
    vote_digest,
    write_vote,
)

KEY = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
ADDRESS = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23"
CONTRACT = "0x" + "cc" * 20
PROCESS_ID = bytes(range(31))
VOTE = Vote(
    process_id=PROCESS_ID,
    package=bytes([1, 0, 2]),
    weight=7,
    proof=(b"\xaa" * 32, b"\xbb" * 32),
    signature=b"\x01" * 32 + b"\x02" * 32 + b"\x1b",
)

#: What VOTE is on the wire, word for word.
WORDS = [
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e" + "00",
    *(f"{number:064x}" for number in (0xA0, 7, 0xE0, 0x140)),
    *(f"{3:064x}", "010002" + "00" * 29),
    *(f"{2:064x}", "aa" * 32, "bb" * 32),
    *(f"{65:064x}", "01" * 32, "02" * 32, "1b" + "00" * 31),
]

votes = st.builds(
    Vote,
    process_id=st.binary(min_size=31, max_size=31),
    package=st.binary(max_size=64),
    weight=st.integers(0, 2**256 - 1),
    proof=st.lists(st.binary(min_size=32, max_size=32), max_size=32).map(tuple),
    signature=st.binary(min_size=65, max_size=65),
)


def words(**changed):
    """Return VOTE's payload with other words at some places."""
    return "".join(changed.get(f"w{place}", one) for place, one in enumerate(WORDS))


def test_a_vote_travels_as_its_abi_encoding():
    assert write_vote(VOTE) == "".join(WORDS)
    assert read_vote("".join(WORDS)) == VOTE
    assert read_vote("0x" + "".join(WORDS).upper()) == VOTE


def test_a_vote_is_what_the_contract_takes():
    assert VOTE.arguments == (
        *(PROCESS_ID, bytes([1, 0, 2]), 7, (b"\xaa" * 32, b"\xbb" * 32)),
        *(27, b"\x01" * 32, b"\x02" * 32),
    )


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        *((text, "is not hexadecimal") for text in ("xyz", "0x0", "0x00 00", "0", "ää", "0x0x")),
        *((text, "is not an ABI-encoded vote") for text in ("", "0x", "00", "00" * 160)),
        (words()[:-2], "is not an ABI-encoded vote"),
        ("ff" * 600, "is not an ABI-encoded vote"),
        (words(w1="f" * 64), "is not an ABI-encoded vote"),
        (words(w7="f" * 64), "is not an ABI-encoded vote"),
        (words(w0="ff" * 32), "is not an ABI-encoded vote"),
        (words(w6="01" * 32), "is not an ABI-encoded vote"),
        (words() + "00", "holds more than a vote"),
        (words() + "00" * 32, "holds more than a vote"),
        (words(w3=f"{0x140:064x}", w4=f"{0xE0:064x}"), "is not an ABI-encoded vote"),
        ("00" * 4097, "is too long"),
        (write_vote(replace(VOTE, package=bytes(65))), "package has more than 64 bytes"),
        (write_vote(replace(VOTE, proof=(bytes(32),) * 33)), "proof has more than 32 nodes"),
        *(
            (write_vote(replace(VOTE, signature=bytes(n))), "signature does not have 65 bytes")
            for n in (0, 64, 66)
        ),
    ],
)
def test_what_is_no_vote_is_refused_with_a_reason(payload, reason):
    with pytest.raises(BallotInvalid, match=reason) as caught:
        read_vote(payload)

    assert str(caught.value).isprintable()


@settings(deadline=None)
@given(votes)
def test_what_is_written_is_read(vote):
    assert read_vote(write_vote(vote)) == vote


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_payload_is_the_only_one_of_its_vote_or_refused(data):
    raw = bytearray.fromhex(words())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] = data.draw(st.sampled_from([0, 1, 31, 32, 64, 127, 128, 255]))

    try:
        vote = read_vote(raw.hex())
    except BallotInvalid:
        return
    assert write_vote(vote) == raw.hex()


@settings(deadline=None)
@given(st.text(max_size=40) | st.binary(max_size=700).map(bytes.hex))
def test_nothing_but_a_complaint_comes_of_rubbish(payload):
    with pytest.raises(BallotInvalid):
        read_vote(payload)


def typed(package):
    """Return the vote as any wallet signs it."""
    return encode_typed_data(
        {"name": "Jobspine", "version": "1", "chainId": 1337, "verifyingContract": CONTRACT},
        {
            "Vote": [
                {"name": "processId", "type": "bytes31"},
                {"name": "votePackage", "type": "bytes"},
            ]
        },
        {"processId": PROCESS_ID, "votePackage": package},
    )


@pytest.mark.parametrize("package", [b"", bytes([1, 0, 2]), b"\xff" * 64])
def test_what_any_wallet_signs_is_a_vote(package):
    digest = vote_digest(1337, CONTRACT, PROCESS_ID, package)

    signed = Account.sign_message(typed(package), KEY)

    assert bytes(signed.message_hash) == digest
    assert bytes(signed.signature) == sign_vote(KEY, digest)


def test_a_signature_names_its_signer():
    digest = vote_digest(1337, CONTRACT, PROCESS_ID, b"\x01")
    vote = replace(VOTE, signature=sign_vote(KEY, digest))

    assert address_of(KEY) == ADDRESS
    assert recover(digest, vote.v, vote.r, vote.s) == ADDRESS
    assert recover(bytes(32), vote.v, vote.r, vote.s) != ADDRESS


@pytest.mark.parametrize(
    "other",
    [
        vote_digest(1338, CONTRACT, PROCESS_ID, b"\x01"),
        vote_digest(1337, "0x" + "cd" * 20, PROCESS_ID, b"\x01"),
        vote_digest(1337, CONTRACT, bytes(31), b"\x01"),
        vote_digest(1337, CONTRACT, PROCESS_ID, b"\x02"),
    ],
)
def test_a_digest_is_of_one_chain_contract_process_and_package(other):
    assert other != vote_digest(1337, CONTRACT, PROCESS_ID, b"\x01")


def test_a_nullifier_is_of_one_voter_in_one_process():
    expected = "fa40267962bea88fc6e9b2a0127bc0ff"

    assert nullifier(ADDRESS, PROCESS_ID).hex()[:32] == expected
    assert nullifier(f"0x{ADDRESS[2:].upper()}", PROCESS_ID).hex()[:32] == expected
    assert nullifier(ADDRESS, bytes(31)).hex()[:32] != expected
