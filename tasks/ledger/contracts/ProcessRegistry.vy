#pragma version 0.4.3
#pragma evm-version shanghai

"""
@title Processes and their votes
@license Apache-2.0
@notice Anybody creates a process; its creator moves its status; whoever the census names votes
        once, by a signature that anybody may bring here.
@dev    Every refusal is an Error(string) of one word. There are no immutables, so that the code at
        an address can be compared with what the compiler made.
"""

struct Process:
    creator: address
    status: uint8
    startTime: uint64
    # Seconds from the start; 0: it has no end.
    duration: uint64
    # 0: as many as the census names.
    maxVoters: uint64
    votes: uint64
    censusRoot: bytes32
    # One byte for each question: how many choices it has.
    choices: Bytes[64]
    censusURI: String[256]
    metadataURI: String[256]

event NewProcess:
    processId: indexed(bytes31)
    creator: indexed(address)
    jobKey: indexed(bytes32)
    censusRoot: bytes32

event ProcessStatusChanged:
    processId: indexed(bytes31)
    status: uint8

event VoteCast:
    processId: indexed(bytes31)
    nullifier: indexed(bytes32)
    voter: indexed(address)
    weight: uint256
    votePackage: Bytes[64]

READY: constant(uint8) = 0
ENDED: constant(uint8) = 1
CANCELED: constant(uint8) = 2
PAUSED: constant(uint8) = 3
RESULTS: constant(uint8) = 4

# Half the order of the curve. Above it the other form of a signature begins, which says the same.
HIGHEST_S: constant(bytes32) = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
DOMAIN_NAME: constant(bytes32) = keccak256("Jobspine")
DOMAIN_VERSION: constant(bytes32) = keccak256("1")
VOTE_TYPE: constant(bytes32) = keccak256("Vote(bytes31 processId,bytes votePackage)")

# The process that an account created for a job, so that a job cannot have two. A key is its
# creator's own: whoever reads it out of a transaction that waits can do nothing with it.
processOf: public(HashMap[address, HashMap[bytes32, bytes31]])

processes: HashMap[bytes31, Process]
# How many processes an account has created.
nonces: HashMap[address, uint56]
used: HashMap[bytes31, HashMap[bytes32, bool]]


@external
def newProcess(
    jobKey: bytes32,
    startTime: uint64,
    duration: uint64,
    maxVoters: uint64,
    censusRoot: bytes32,
    censusURI: String[256],
    metadataURI: String[256],
    choices: Bytes[64],
) -> bytes31:
    """
    @notice Create a process, READY from birth.
    @param jobKey Which job's process it is; a second one of the same creator with the same key is
           refused.
    @param startTime When votes begin to count, in seconds since 1970; 0 is now.
    @param duration For how many seconds; 0 is for ever.
    @param maxVoters How many may vote; 0 is everybody in the census.
    @param censusRoot The Merkle root over all voters and their weights.
    @param censusURI Where the census can be read.
    @param metadataURI Where the questions can be read.
    @param choices One byte for each question: the number of its choices, at least 1.
    @return The process's id: its creator, a prefix that is this contract's, and a number.
    """
    assert self.processOf[msg.sender][jobKey] == empty(bytes31), "ProcessAlreadyExists"
    self._checkQuestions(choices)
    processId: bytes31 = self._nextId(msg.sender)
    self.processOf[msg.sender][jobKey] = processId
    self.processes[processId] = Process(
        creator=msg.sender,
        status=READY,
        startTime=startTime if startTime != 0 else convert(block.timestamp, uint64),
        duration=duration,
        maxVoters=maxVoters,
        votes=0,
        censusRoot=censusRoot,
        choices=choices,
        censusURI=censusURI,
        metadataURI=metadataURI,
    )
    log NewProcess(
        processId=processId, creator=msg.sender, jobKey=jobKey, censusRoot=censusRoot
    )
    return processId


@external
def setProcessStatus(processId: bytes31, status: uint8):
    """
    @notice Move a process to another status, which its creator alone may do.
    @param processId Which process.
    @param status Where to: from READY or PAUSED to the other of them, ENDED or CANCELED; from
           ENDED to RESULTS.
    """
    creator: address = self.processes[processId].creator
    assert creator != empty(address), "ProcessNotFound"
    assert creator == msg.sender, "Unauthorized"
    assert self._isMove(self.processes[processId].status, status), "InvalidStatus"
    self.processes[processId].status = status
    log ProcessStatusChanged(processId=processId, status=status)


@external
def submitVote(
    processId: bytes31,
    votePackage: Bytes[64],
    weight: uint256,
    censusProof: DynArray[bytes32, 32],
    v: uint8,
    r: bytes32,
    s: bytes32,
) -> bytes32:
    """
    @notice Count a vote, whoever brings it.
    @param processId Which process.
    @param votePackage One byte for each question: which choice, from 0.
    @param weight The voter's weight, as the census has it.
    @param censusProof What leads from the voter and the weight to the census's root.
    @param v Of the voter's signature of `voteDigest`: 27 or 28.
    @param r Of the signature.
    @param s Of the signature; the lower one of the two that are possible.
    @return The nullifier: what this voter can use in this process once.
    """
    assert self.processes[processId].creator != empty(address), "ProcessNotFound"
    assert self._isOpen(processId), "InvalidStatus"
    assert self._isFilledIn(votePackage, self.processes[processId].choices), "InvalidVotePackage"
    voter: address = self._voter(self._digest(processId, votePackage), v, r, s)
    assert voter != empty(address), "InvalidSignature"
    assert self._root(voter, weight, censusProof) == self.processes[processId].censusRoot, "ProofInvalid"
    nullifier: bytes32 = keccak256(concat(convert(voter, bytes20), processId))
    assert not self.used[processId][nullifier], "NullifierAlreadyUsed"
    self._count(processId)
    self.used[processId][nullifier] = True
    log VoteCast(
        processId=processId, nullifier=nullifier, voter=voter, weight=weight, votePackage=votePackage
    )
    return nullifier


@external
@view
def getProcess(processId: bytes31) -> Process:
    """
    @notice Show a process.
    @param processId Which process.
    @return All that is known of it.
    """
    assert self.processes[processId].creator != empty(address), "ProcessNotFound"
    return self.processes[processId]


@external
@view
def isUsed(processId: bytes31, nullifier: bytes32) -> bool:
    """
    @notice Tell whether a voter has voted.
    @param processId In which process.
    @param nullifier The voter's in this process.
    @return Whether a vote with it was counted.
    """
    return self.used[processId][nullifier]


@external
@view
def voteDigest(processId: bytes31, votePackage: Bytes[64]) -> bytes32:
    """
    @notice Tell what a voter signs.
    @param processId Which process.
    @param votePackage The choices.
    @return The EIP-712 digest of the vote.
    """
    return self._digest(processId, votePackage)


@internal
def _nextId(creator: address) -> bytes31:
    """
    @dev The prefix keeps ids of several contracts and chains apart.
    """
    self.nonces[creator] += 1
    prefix: bytes4 = convert(slice(keccak256(abi_encode(chain.id, self)), 0, 4), bytes4)
    return convert(
        concat(convert(creator, bytes20), prefix, convert(self.nonces[creator], bytes7)), bytes31
    )


@internal
@pure
def _checkQuestions(choices: Bytes[64]):
    assert len(choices) > 0, "InvalidQuestions"
    for i: uint256 in range(len(choices), bound=64):
        assert convert(slice(choices, i, 1), uint256) > 0, "InvalidQuestions"


@internal
@pure
def _isMove(old: uint8, new: uint8) -> bool:
    if old == READY:
        return new in [PAUSED, CANCELED, ENDED]
    if old == PAUSED:
        return new in [READY, CANCELED, ENDED]
    return old == ENDED and new == RESULTS


@internal
@view
def _isOpen(processId: bytes31) -> bool:
    start: uint256 = convert(self.processes[processId].startTime, uint256)
    if self.processes[processId].status != READY or block.timestamp < start:
        return False
    duration: uint256 = convert(self.processes[processId].duration, uint256)
    return duration == 0 or block.timestamp - start < duration


@internal
@pure
def _isFilledIn(votePackage: Bytes[64], choices: Bytes[64]) -> bool:
    if len(votePackage) != len(choices):
        return False
    for i: uint256 in range(len(choices), bound=64):
        choice: uint256 = convert(slice(votePackage, i, 1), uint256)
        if choice >= convert(slice(choices, i, 1), uint256):
            return False
    return True


@internal
@view
def _digest(processId: bytes31, votePackage: Bytes[64]) -> bytes32:
    domain: bytes32 = keccak256(
        abi_encode(DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, chain.id, self)
    )
    vote: bytes32 = keccak256(abi_encode(VOTE_TYPE, processId, keccak256(votePackage)))
    return keccak256(concat(0x1901, domain, vote))


@internal
@view
def _voter(digest: bytes32, v: uint8, r: bytes32, s: bytes32) -> address:
    """
    @dev Nobody, where the signature is none.
    """
    if convert(s, uint256) > convert(HIGHEST_S, uint256):
        return empty(address)
    return ecrecover(digest, v, r, s)


@internal
@pure
def _root(voter: address, weight: uint256, censusProof: DynArray[bytes32, 32]) -> bytes32:
    """
    @dev OpenZeppelin's standard tree: leaves are hashed twice, pairs are sorted.
    """
    node: bytes32 = keccak256(keccak256(abi_encode(voter, weight)))
    for other: bytes32 in censusProof:
        if convert(node, uint256) < convert(other, uint256):
            node = keccak256(concat(node, other))
        else:
            node = keccak256(concat(other, node))
    return node


@internal
def _count(processId: bytes31):
    votes: uint64 = self.processes[processId].votes
    bound: uint64 = self.processes[processId].maxVoters
    assert bound == 0 or votes < bound, "MaxVotersReached"
    self.processes[processId].votes = votes + 1
