from __future__ import annotations

import pytest

from tasks.ledger.contracts import artefact
from tests.tasks.ledger.evm import Refused, address

ONE, TWO, THREE = (bytes([n]) * 32 for n in (1, 2, 3))
HEX = {one: f"0x{one.hex()}" for one in (ONE, TWO, THREE)}
ADD_ONLY, NOT_ADD_ONLY = True, False

#: How each thing is made, removed and looked at, and the words for it.
THINGS = {
    "Did": ("newDid", ("did:example:1",), "removeDid", "ownerOfDid", "did"),
    "Registry": ("newRegistry", (NOT_ADD_ONLY,), "removeRegistry", "getRegistry", "id"),
    "Schema": ("newSchema", (TWO,), "removeSchema", "getSchema", "id"),
}


@pytest.fixture
def registry(credentials):
    """A registry that takes back what it revokes, ONE, and one that does not, TWO."""
    credentials.send("newRegistry", ONE, NOT_ADD_ONLY)
    credentials.send("newRegistry", TWO, ADD_ONLY)
    return credentials


def refuses(evm, reason, function, *arguments, by=1):
    with pytest.raises(Refused, match=f"^{reason}$"):
        evm.send(function, *arguments, by=by)


def changed(done):
    """Return the credentials that a transaction says it has changed, under the events' name."""
    return [(event.name, event.arguments["credentialId"]) for event in done.events]


def test_what_stands_on_the_chain_is_what_the_compiler_made(credentials):
    assert credentials.code == artefact("CredentialRegistry").deployed


def test_what_is_registered_belongs_to_who_registered_it(credentials):
    did = credentials.send("newDid", ONE, "did:example:controller", by=2)
    registry = credentials.send("newRegistry", ONE, ADD_ONLY, by=2)
    schema = credentials.send("newSchema", ONE, THREE, by=2)

    owner = address(2)
    assert did.events == [
        ("DidCreated", {"did": HEX[ONE], "owner": owner, "controller": "did:example:controller"})
    ]
    assert registry.events == [
        ("RegistryCreated", {"id": HEX[ONE], "owner": owner, "addOnly": True})
    ]
    assert schema.events == [
        ("SchemaCreated", {"id": HEX[ONE], "owner": owner, "digest": HEX[THREE]})
    ]
    assert credentials.view("ownerOfDid", ONE) == owner
    assert credentials.view("getRegistry", ONE) == (owner, True)
    assert credentials.view("getSchema", ONE) == (owner, HEX[THREE])


@pytest.mark.parametrize("thing", THINGS)
def test_an_id_is_taken_for_ever(credentials, thing):
    new, arguments, remove, _, key = THINGS[thing]
    credentials.send(new, ONE, *arguments)

    refuses(credentials, "AlreadyExists", new, ONE, *arguments)
    refuses(credentials, "AlreadyExists", new, ONE, *arguments, by=2)
    assert credentials.send(remove, ONE).events == [(f"{thing}Removed", {key: HEX[ONE]})]
    refuses(credentials, "AlreadyExists", new, ONE, *arguments)
    refuses(credentials, "AlreadyExists", new, ONE, *arguments, by=2)


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_not_there_or_was_removed_is_not_found(credentials, thing):
    new, arguments, remove, look, _ = THINGS[thing]
    credentials.send(new, ONE, *arguments)
    credentials.send(remove, ONE)

    for id_ in (ONE, TWO):
        refuses(credentials, f"{thing}NotFound", remove, id_)
        with pytest.raises(Refused, match=f"^{thing}NotFound$"):
            credentials.view(look, id_)


@pytest.mark.parametrize("thing", THINGS)
def test_nobody_but_its_owner_removes_a_thing(credentials, thing):
    new, arguments, remove, look, _ = THINGS[thing]
    credentials.send(new, ONE, *arguments)

    refuses(credentials, "Unauthorized", remove, ONE, by=2)

    assert address(1) in (answer := credentials.view(look, ONE)) or answer == address(1)


def test_ids_of_different_kinds_do_not_meet(credentials):
    for new, arguments, *_ in THINGS.values():
        credentials.send(new, ONE, *arguments)

    credentials.send("removeSchema", ONE)

    assert credentials.view("ownerOfDid", ONE) == address(1)
    assert credentials.view("getRegistry", ONE) == (address(1), False)


def test_credentials_are_revoked_and_unrevoked(registry):
    assert changed(registry.send("revoke", ONE, [ONE, TWO])) == [
        ("Revoked", HEX[ONE]),
        ("Revoked", HEX[TWO]),
    ]
    assert [registry.view("isRevoked", ONE, one) for one in (ONE, TWO, THREE)] == [
        *(True, True, False)
    ]

    assert changed(registry.send("unrevoke", ONE, [TWO])) == [("Unrevoked", HEX[TWO])]
    assert [registry.view("isRevoked", ONE, one) for one in (ONE, TWO)] == [True, False]


def test_what_is_so_already_is_left_alone(registry):
    registry.send("revoke", ONE, [ONE])

    assert changed(registry.send("revoke", ONE, [ONE])) == []
    assert changed(registry.send("revoke", ONE, [ONE, TWO, TWO])) == [("Revoked", HEX[TWO])]
    assert changed(registry.send("unrevoke", ONE, [THREE])) == []
    assert changed(registry.send("unrevoke", ONE, [THREE, ONE, ONE])) == [("Unrevoked", HEX[ONE])]
    assert changed(registry.send("revoke", ONE, [])) == []


def test_registries_know_nothing_of_each_other(registry):
    registry.send("revoke", ONE, [THREE])

    assert registry.view("isRevoked", ONE, THREE) is True
    assert registry.view("isRevoked", TWO, THREE) is False


def test_what_an_add_only_registry_revokes_stays_revoked(registry):
    registry.send("revoke", TWO, [ONE])

    refuses(registry, "RegistryAddOnly", "unrevoke", TWO, [ONE])
    refuses(registry, "RegistryAddOnly", "unrevoke", TWO, [THREE])

    assert registry.view("isRevoked", TWO, ONE) is True


@pytest.mark.parametrize("function", ["revoke", "unrevoke"])
def test_nobody_but_its_owner_changes_a_registry(registry, function):
    for id_ in (ONE, TWO):
        refuses(registry, "Unauthorized", function, id_, [THREE], by=2)

    assert registry.view("isRevoked", ONE, THREE) is False


def test_a_registry_that_is_gone_clears_nobody(registry):
    registry.send("revoke", ONE, [ONE])
    registry.send("removeRegistry", ONE)

    for id_ in (ONE, THREE):
        refuses(registry, "RegistryNotFound", "revoke", id_, [ONE])
        refuses(registry, "RegistryNotFound", "unrevoke", id_, [ONE])
        with pytest.raises(Refused, match=r"^RegistryNotFound$"):
            registry.view("isRevoked", id_, ONE)


def test_a_transaction_revokes_up_to_256_credentials(registry):
    many = [n.to_bytes(32, "big") for n in range(257)]

    assert len(registry.send("revoke", ONE, many[:256]).events) == 256
    refuses(registry, "reverted without a reason", "revoke", ONE, many)


@pytest.mark.parametrize("controller", ["", "d" * 256])
def test_a_controller_may_be_left_out_or_long(credentials, controller):
    made = credentials.send("newDid", ONE, controller)

    assert made.events[0].arguments["controller"] == controller
    refuses(credentials, "reverted without a reason", "newDid", TWO, "d" * 257)
