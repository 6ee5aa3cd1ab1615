"""The contracts of this service: their source, and what a compiler made of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent
#: Every contract that there is.
NAMES = ("ProcessRegistry", "CredentialRegistry")


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """What a compiler made of a contract's source."""

    name: str
    #: Functions and events, as the ABI's JSON has them.
    abi: tuple[Mapping[str, Any], ...] = field(repr=False)
    #: What a transaction carries that creates the contract.
    bytecode: bytes = field(repr=False)
    #: What then stands at its address, byte for byte.
    deployed: bytes = field(repr=False)
    compiler: str
    #: SHA-256 of the source, 64 hexadecimal digits.
    source_sha256: str


@cache
def artefact(name: str) -> Artefact:
    """Return what a compiler made of a contract; nothing is compiled here.

    Raises:
        KeyError: there is no such contract.
    """
    if name not in NAMES:
        raise KeyError(name)
    kept = json.loads((FOLDER / f"{name}.json").read_text())
    return Artefact(
        name=kept["name"],
        abi=tuple(kept["abi"]),
        bytecode=bytes.fromhex(kept["bytecode"].removeprefix("0x")),
        deployed=bytes.fromhex(kept["deployedBytecode"].removeprefix("0x")),
        compiler=kept["compiler"],
        source_sha256=kept["sourceSha256"],
    )
