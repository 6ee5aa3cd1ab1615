from __future__ import annotations

import json

import pytest

from tasks.ledger.contracts import FOLDER, NAMES, artefact
from tasks.ledger.contracts.build import compiled


def source(name):
    return (FOLDER / f"{name}.vy").read_text()


def kept(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_what_the_compiler_makes_of_the_source(name):
    assert compiled(name, source(name)) == kept(name)


def test_a_changed_comment_is_noticed():
    changed = compiled("ProcessRegistry", source("ProcessRegistry") + "\n# A remark.\n")

    assert changed["sourceSha256"] != kept("ProcessRegistry")["sourceSha256"]
    assert changed["bytecode"] != kept("ProcessRegistry")["bytecode"]
    assert changed["deployedBytecode"] == kept("ProcessRegistry")["deployedBytecode"]


@pytest.mark.parametrize("name", NAMES)
def test_a_source_says_which_compiler_and_which_chain_it_is_for(name):
    first, second = source(name).splitlines()[:2]

    assert first == "#pragma version 0.4.3"
    assert second == "#pragma evm-version shanghai"
    assert artefact(name).compiler == "vyper 0.4.3"


def test_every_source_is_kept_compiled():
    assert {path.stem for path in FOLDER.glob("*.vy")} == set(NAMES)
    assert {path.stem for path in FOLDER.glob("*.json")} == set(NAMES)


@pytest.mark.parametrize("name", ["Unknown", "../contracts/ProcessRegistry", ""])
def test_there_are_no_other_contracts(name):
    with pytest.raises(KeyError):
        artefact(name)
