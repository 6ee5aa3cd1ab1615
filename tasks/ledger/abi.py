"""Calls of our contracts as bytes, and the bytes that come back as values one can read.

What is passed in are Python's values: bytes, int, str; an address is 0x and 40 hexadecimal digits.
What comes out is fit for JSON: bytes and addresses are 0x and lower-case hexadecimal digits.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sha3
from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from tasks.ledger.contracts import artefact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
#: What Solidity documents; Vyper uses the same numbers.
_PANICS: Mapping[int, str] = {
    0x00: "the compiler stopped it",
    0x01: "an assertion failed",
    0x11: "a number overflowed",
    0x12: "division by zero",
    0x21: "no such member of an enumeration",
    0x22: "badly encoded storage",
    0x31: "nothing to take from an empty array",
    0x32: "an index beyond the end",
    0x41: "too much memory was asked for",
    0x51: "an unset function was called",
}
#: The longest reason that is passed on; characters.
LONGEST_REASON = 200


class Event(NamedTuple):
    """Something that a contract said, with its arguments by name."""

    name: str
    arguments: Mapping[str, Any]


def keccak(data: bytes) -> bytes:
    """Return the hash that Ethereum uses, 32 bytes."""
    return bytes(sha3.keccak_256(data).digest())


def encode_call(contract: str, function: str, arguments: Sequence[Any]) -> bytes:
    """Return the data of a transaction that calls a function of a contract.

    Raises:
        KeyError: there is no such contract or function.
        eth_abi.exceptions.EncodingError: an argument is none of its type.
    """
    entry = _entry(contract, "function", function)
    types = [_type(one) for one in entry["inputs"]]
    return keccak(_signature(entry))[:4] + encode(types, arguments)


def decode_output(contract: str, function: str, data: bytes) -> Any:
    """Return what a function answered: a value, a tuple of several, a struct as a dictionary.

    Raises:
        KeyError: there is no such contract or function.
        eth_abi.exceptions.DecodingError: it is no answer of this function.
    """
    outputs = _entry(contract, "function", function)["outputs"]
    values = decode([_type(one) for one in outputs], data)
    found = tuple(_readable(one, value) for one, value in zip(outputs, values, strict=True))
    return found[0] if len(found) == 1 else found


def read_events(contract: str, logs: Iterable[Mapping[str, Any]]) -> list[Event]:
    """Return the events of a contract among a receipt's logs, in their order.

    The logs are as JSON-RPC has them: `topics` and `data` in hexadecimal. Others' are left out.
    """
    known = _events(contract)
    return [
        _event(known[log["topics"][0].lower()], log)
        for log in logs
        if log["topics"] and log["topics"][0].lower() in known
    ]


def decode_events(contract: str, logs: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the arguments of a contract's events by the events' names; of several, the last."""
    return {event.name: dict(event.arguments) for event in read_events(contract, logs)}


def revert_reason(data: bytes) -> str:
    """Return in one line why a call was reverted, out of what it returned."""
    if not data:
        return "reverted without a reason"
    try:
        if data.startswith(_ERROR):
            (text,) = decode(["bytes"], data[4:], strict=False)
            return _one_line(text.decode(errors="replace")) or "reverted without a reason"
        if data.startswith(_PANIC):
            (code,) = decode(["uint256"], data[4:], strict=False)
            return f"{_PANICS.get(code, 'it panicked')} (panic 0x{code:02x})"
    except (DecodingError, OverflowError):
        return "reverted with a reason that cannot be read"
    return f"reverted with an unknown error 0x{data[:4].hex()}"


def _one_line(text: str) -> str:
    """Return a text without what would break a line, a log or a database."""
    words = "".join(one if one.isprintable() else " " for one in text).split()
    return " ".join(words)[:LONGEST_REASON]


def _entry(contract: str, kind: str, name: str) -> Mapping[str, Any]:
    for one in artefact(contract).abi:
        if one["type"] == kind and one["name"] == name:
            return one
    raise KeyError(f"{contract} has no {kind} {name}")


@cache
def _events(contract: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the events of a contract by their first topic."""
    return {
        f"0x{keccak(_signature(one)).hex()}": one
        for one in artefact(contract).abi
        if one["type"] == "event"
    }


def _event(entry: Mapping[str, Any], log: Mapping[str, Any]) -> Event:
    """Read a log: indexed arguments stand in its topics, the others in its data."""
    topics = b"".join(_bytes(topic) for topic in log["topics"][1:])
    indexed = [one for one in entry["inputs"] if one["indexed"]]
    plain = [one for one in entry["inputs"] if not one["indexed"]]
    values = dict(zip((one["name"] for one in indexed), _values(indexed, topics), strict=True))
    values |= zip((one["name"] for one in plain), _values(plain, _bytes(log["data"])), strict=True)
    return Event(entry["name"], {one["name"]: values[one["name"]] for one in entry["inputs"]})


def _values(inputs: Sequence[Mapping[str, Any]], data: bytes) -> list[Any]:
    values = decode([_type(one) for one in inputs], data)
    return [_readable(one, value) for one, value in zip(inputs, values, strict=True)]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _signature(entry: Mapping[str, Any]) -> bytes:
    types = ",".join(_type(one) for one in entry["inputs"])
    return f"{entry['name']}({types})".encode()


def _type(one: Mapping[str, Any]) -> str:
    """Return a type as it is written in signatures: a struct is the tuple of its members."""
    if not one["type"].startswith("tuple"):
        return str(one["type"])
    members = ",".join(_type(member) for member in one["components"])
    return f"({members}){one['type'].removeprefix('tuple')}"


def _readable(one: Mapping[str, Any], value: Any) -> Any:
    """Return a value fit for JSON."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if one["type"] == "tuple":
        members = zip(one["components"], value, strict=True)
        return {member["name"]: _readable(member, part) for member, part in members}
    if isinstance(value, tuple):
        return [_readable({**one, "type": one["type"].rpartition("[")[0]}, part) for part in value]
    return value
