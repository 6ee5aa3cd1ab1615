"""A vote: what a voter signs, who has signed it, and its form on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coincurve import PrivateKey, PublicKey
from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from tasks.ledger.abi import keccak

#: As the contract bounds them: bytes of a package, nodes of a proof.
LONGEST_PACKAGE = 64
LONGEST_PROOF = 32
SIGNATURE_BYTES = 65

#: A vote's form on the wire; no canonical one is longer than the bound, in bytes.
_TYPES = ("bytes31", "bytes", "uint256", "bytes32[]", "bytes")
_LONGEST = 4096

#: Half the order of the curve. Above it the other form of a signature begins, which says the same.
_HIGHEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_FIRST_V = 27

_DOMAIN_TYPE = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_DOMAIN_NAME = keccak(b"Jobspine")
_DOMAIN_VERSION = keccak(b"1")
_VOTE_TYPE = keccak(b"Vote(bytes31 processId,bytes votePackage)")


class BallotInvalid(ValueError):
    """A payload is no vote; the text says why, in one line and without quoting it."""


@dataclass(frozen=True, kw_only=True)
class Vote:
    """A voter's choices, with what the contract needs to count them."""

    #: 31 bytes.
    process_id: bytes
    #: One byte for each question: which choice, from 0.
    package: bytes
    #: What the census says of the voter, and what leads from there to its root.
    weight: int
    proof: tuple[bytes, ...]
    #: r, s and v: 32, 32 and one byte.
    signature: bytes

    @property
    def v(self) -> int:
        """Which of two points of the curve is meant: 27 or 28."""
        return self.signature[64]

    @property
    def r(self) -> bytes:
        """The first half of the signature."""
        return self.signature[:32]

    @property
    def s(self) -> bytes:
        """The second half of the signature."""
        return self.signature[32:64]

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the contract's `submitVote` takes."""
        return (self.process_id, self.package, self.weight, self.proof, self.v, self.r, self.s)


def vote_digest(chain_id: int, contract: str, process_id: bytes, package: bytes) -> bytes:
    """Return the EIP-712 digest that a voter signs."""
    domain = encode(
        ["bytes32", "bytes32", "bytes32", "uint256", "address"],
        [_DOMAIN_TYPE, _DOMAIN_NAME, _DOMAIN_VERSION, chain_id, contract],
    )
    vote = encode(["bytes32", "bytes31", "bytes32"], [_VOTE_TYPE, process_id, keccak(package)])
    return keccak(b"\x19\x01" + keccak(domain) + keccak(vote))


def recover(digest: bytes, v: int, r: bytes, s: bytes) -> str | None:
    """Return the address that signed a digest, exactly where the contract would find one."""
    if not _FIRST_V <= v <= _FIRST_V + 1 or int.from_bytes(s, "big") > _HIGHEST_S:
        return None
    try:
        key = PublicKey.from_signature_and_message(r + s + bytes([v - _FIRST_V]), digest, None)
    except ValueError:
        return None
    return _address(key)


def nullifier(address: str, process_id: bytes) -> bytes:
    """Return what a voter can use once in a process; the vote is known by it."""
    return keccak(bytes.fromhex(address.removeprefix("0x")) + process_id)


def address_of(private_key: bytes) -> str:
    """Return the address of a private key."""
    return _address(PrivateKey(private_key).public_key)


def sign_vote(private_key: bytes, digest: bytes) -> bytes:
    """Return a voter's signature of a digest: r, s and v."""
    made = PrivateKey(private_key).sign_recoverable(digest, hasher=None)
    return made[:64] + bytes([made[64] + _FIRST_V])


def write_vote(vote: Vote) -> str:
    """Return a vote as it travels: the hexadecimal digits of its ABI encoding."""
    values = (vote.process_id, vote.package, vote.weight, vote.proof, vote.signature)
    return encode(_TYPES, values).hex()


def read_vote(payload: str) -> Vote:
    """Return the vote in a payload, with or without 0x before its digits.

    Only the form that `write_vote` makes is taken, so that a vote has one payload.

    Raises:
        BallotInvalid: it is none, and why.
    """
    raw = _from_hex(payload)
    try:
        process_id, package, weight, proof, signature = decode(_TYPES, raw)
    except (DecodingError, OverflowError):
        raise BallotInvalid("the payload is not an ABI-encoded vote") from None
    vote = Vote(
        process_id=process_id, package=package, weight=weight, proof=proof, signature=signature
    )
    _check_lengths(vote)
    if write_vote(vote) != raw.hex():
        raise BallotInvalid("the payload holds more than a vote")
    return vote


def _from_hex(payload: str) -> bytes:
    digits = payload.removeprefix("0x")
    if len(digits) > 2 * _LONGEST:
        raise BallotInvalid("the payload is too long for a vote")
    try:
        raw = bytes.fromhex(digits)
    except ValueError:
        raise BallotInvalid("the payload is not hexadecimal") from None
    if len(digits) != 2 * len(raw):
        raise BallotInvalid("the payload is not hexadecimal")
    return raw


def _check_lengths(vote: Vote) -> None:
    if len(vote.package) > LONGEST_PACKAGE:
        raise BallotInvalid(f"the vote package has more than {LONGEST_PACKAGE} bytes")
    if len(vote.proof) > LONGEST_PROOF:
        raise BallotInvalid(f"the census proof has more than {LONGEST_PROOF} nodes")
    if len(vote.signature) != SIGNATURE_BYTES:
        raise BallotInvalid(f"the signature does not have {SIGNATURE_BYTES} bytes")


def _address(key: PublicKey) -> str:
    return f"0x{keccak(key.format(compressed=False)[1:])[-20:].hex()}"
