"""What things are called on chain, where every name is 32 bytes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sha3 import keccak_256

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile("0x[0-9a-f]{64}")


def did_name(did: str) -> bytes:
    """Return the name of a DID: the hash of its text."""
    return bytes(keccak_256(did.encode()).digest())


def credential_name(credential: str) -> str:
    """Return the name of a credential, as 0x and 64 hexadecimal digits.

    It is the hash of the credential's id; what is a name already stays as it is.
    """
    lowered = credential.lower()
    if _NAME.fullmatch(lowered):
        return lowered
    return f"0x{keccak_256(credential.encode()).hexdigest()}"


def schema_digest(schema: Mapping[str, Any]) -> bytes:
    """Return the hash of a JSON schema: of its text with sorted keys and no blanks, in ASCII."""
    plain = json.dumps(schema, sort_keys=True, separators=(",", ":"))
    return bytes(keccak_256(plain.encode()).digest())


def from_hex(name: str) -> bytes:
    """Return a name that is written as 64 hexadecimal digits, with or without 0x."""
    return bytes.fromhex(name.removeprefix("0x"))
