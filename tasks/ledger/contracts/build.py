"""Compile the contracts: `python -m tasks.ledger.contracts.build`, after a change of their source.

The compiler is needed here only; what it makes is kept beside the source.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import vyper
from vyper.compiler import compile_code

from tasks.ledger.contracts import FOLDER, NAMES


def compiled(name: str, source: str) -> dict[str, Any]:
    """Return what is kept of a contract, made from its source."""
    made = compile_code(source, output_formats=["abi", "bytecode", "bytecode_runtime"])
    return {
        "name": name,
        "compiler": f"vyper {vyper.__version__}",
        "sourceSha256": sha256(source.encode()).hexdigest(),
        "abi": made["abi"],
        "bytecode": made["bytecode"],
        "deployedBytecode": made["bytecode_runtime"],
    }


def build() -> None:
    """Write what the compiler makes of every contract beside its source."""
    for name in NAMES:
        artefact = compiled(name, (FOLDER / f"{name}.vy").read_text())
        (FOLDER / f"{name}.json").write_text(json.dumps(artefact, indent=1) + "\n")


if __name__ == "__main__":
    build()
