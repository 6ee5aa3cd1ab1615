#pragma version 0.4.3
#pragma evm-version shanghai

"""
@title DIDs, registries of revoked credentials, and schemas
@license Apache-2.0
@notice Whoever registers a thing owns it, and nobody else changes it. An id is good for one thing:
        what was removed does not come back, under whatever owner.
@dev    Every refusal is an Error(string) of one word. There are no immutables, so that the code at
        an address can be compared with what the compiler made.
"""

struct Did:
    owner: address
    removed: bool

struct Registry:
    owner: address
    removed: bool
    # Whether what is revoked stays revoked.
    addOnly: bool

struct Schema:
    owner: address
    removed: bool
    digest: bytes32

event DidCreated:
    did: indexed(bytes32)
    owner: indexed(address)
    controller: String[256]

event DidRemoved:
    did: indexed(bytes32)

event RegistryCreated:
    id: indexed(bytes32)
    owner: indexed(address)
    addOnly: bool

event RegistryRemoved:
    id: indexed(bytes32)

event Revoked:
    id: indexed(bytes32)
    credentialId: indexed(bytes32)

event Unrevoked:
    id: indexed(bytes32)
    credentialId: indexed(bytes32)

event SchemaCreated:
    id: indexed(bytes32)
    owner: indexed(address)
    digest: bytes32

event SchemaRemoved:
    id: indexed(bytes32)

dids: HashMap[bytes32, Did]
registries: HashMap[bytes32, Registry]
schemas: HashMap[bytes32, Schema]
revoked: HashMap[bytes32, HashMap[bytes32, bool]]


@external
def newDid(did: bytes32, controller: String[256]):
    """
    @notice Register a DID.
    @param did The hash of the DID's text.
    @param controller The DID that controls it; empty: itself.
    """
    assert self.dids[did].owner == empty(address), "AlreadyExists"
    self.dids[did].owner = msg.sender
    log DidCreated(did=did, owner=msg.sender, controller=controller)


@external
def removeDid(did: bytes32):
    """
    @notice Remove a DID, for ever.
    @param did The hash of the DID's text.
    """
    self._mine(self.dids[did].owner, self.dids[did].removed, "DidNotFound")
    self.dids[did].removed = True
    log DidRemoved(did=did)


@external
def newRegistry(id: bytes32, addOnly: bool):
    """
    @notice Register a registry in which nothing is revoked.
    @param id The id that it gets.
    @param addOnly Whether what is revoked stays revoked.
    """
    assert self.registries[id].owner == empty(address), "AlreadyExists"
    self.registries[id] = Registry(owner=msg.sender, removed=False, addOnly=addOnly)
    log RegistryCreated(id=id, owner=msg.sender, addOnly=addOnly)


@external
def removeRegistry(id: bytes32):
    """
    @notice Remove a registry, for ever; nobody can tell any more what it had revoked.
    @param id Which registry.
    """
    self._mine(self.registries[id].owner, self.registries[id].removed, "RegistryNotFound")
    self.registries[id].removed = True
    log RegistryRemoved(id=id)


@external
def revoke(id: bytes32, credentialIds: DynArray[bytes32, 256]):
    """
    @notice Revoke credentials. What is revoked already is left alone.
    @param id In which registry.
    @param credentialIds Which credentials.
    """
    self._mine(self.registries[id].owner, self.registries[id].removed, "RegistryNotFound")
    for credentialId: bytes32 in credentialIds:
        if not self.revoked[id][credentialId]:
            self.revoked[id][credentialId] = True
            log Revoked(id=id, credentialId=credentialId)


@external
def unrevoke(id: bytes32, credentialIds: DynArray[bytes32, 256]):
    """
    @notice Take revocations back. What is not revoked is left alone.
    @param id In which registry.
    @param credentialIds Which credentials.
    """
    self._mine(self.registries[id].owner, self.registries[id].removed, "RegistryNotFound")
    assert not self.registries[id].addOnly, "RegistryAddOnly"
    for credentialId: bytes32 in credentialIds:
        if self.revoked[id][credentialId]:
            self.revoked[id][credentialId] = False
            log Unrevoked(id=id, credentialId=credentialId)


@external
def newSchema(id: bytes32, digest: bytes32):
    """
    @notice Register a schema.
    @param id The id that it gets.
    @param digest The hash of its text.
    """
    assert self.schemas[id].owner == empty(address), "AlreadyExists"
    self.schemas[id] = Schema(owner=msg.sender, removed=False, digest=digest)
    log SchemaCreated(id=id, owner=msg.sender, digest=digest)


@external
def removeSchema(id: bytes32):
    """
    @notice Remove a schema, for ever.
    @param id Which schema.
    """
    self._mine(self.schemas[id].owner, self.schemas[id].removed, "SchemaNotFound")
    self.schemas[id].removed = True
    log SchemaRemoved(id=id)


@external
@view
def ownerOfDid(did: bytes32) -> address:
    """
    @notice Tell who registered a DID.
    @param did The hash of the DID's text.
    @return Its owner.
    """
    assert self._exists(self.dids[did].owner, self.dids[did].removed), "DidNotFound"
    return self.dids[did].owner


@external
@view
def getRegistry(id: bytes32) -> (address, bool):
    """
    @notice Show a registry.
    @param id Which registry.
    @return Its owner, and whether what is revoked stays revoked.
    """
    assert self._exists(self.registries[id].owner, self.registries[id].removed), "RegistryNotFound"
    return self.registries[id].owner, self.registries[id].addOnly


@external
@view
def isRevoked(id: bytes32, credentialId: bytes32) -> bool:
    """
    @notice Tell whether a credential is revoked. A registry that is not there cannot clear one.
    @param id In which registry.
    @param credentialId Which credential.
    @return Whether it is revoked.
    """
    assert self._exists(self.registries[id].owner, self.registries[id].removed), "RegistryNotFound"
    return self.revoked[id][credentialId]


@external
@view
def getSchema(id: bytes32) -> (address, bytes32):
    """
    @notice Show a schema.
    @param id Which schema.
    @return Its owner, and the hash of its text.
    """
    assert self._exists(self.schemas[id].owner, self.schemas[id].removed), "SchemaNotFound"
    return self.schemas[id].owner, self.schemas[id].digest


@internal
@pure
def _exists(owner: address, removed: bool) -> bool:
    return owner != empty(address) and not removed


@internal
@view
def _mine(owner: address, removed: bool, notFound: String[16]):
    """
    @dev Refuse to go on unless the thing is there and the caller's.
    """
    assert self._exists(owner, removed), notFound
    assert owner == msg.sender, "Unauthorized"
