from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.ledger.ballots import nullifier, recover, vote_digest
from tasks.ledger.merkle import Tree, leaf
from tests.tasks.ledger.contracts.voters import (
    CHOICES,
    PACKAGE,
    TREE,
    VOTERS,
    WEIGHTS,
    ballot,
    malleated,
    new_process,
)
from tests.tasks.ledger.evm import CHAIN_ID, GENESIS_AT, Evm, Refused

ENDED, CANCELED, PAUSED = 1, 2, 3


def cast(evm, vote, by=2):
    return evm.send("submitVote", *vote.arguments, by=by)


def refuses(evm, vote, reason):
    with pytest.raises(Refused, match=f"^{reason}$"):
        cast(evm, vote)


@pytest.mark.parametrize("number", range(5))
def test_everybody_in_the_census_votes_with_the_weight_it_says(processes, number):
    process_id = new_process(processes)

    counted = cast(processes, ballot(processes, process_id, number))

    assert counted.output == f"0x{nullifier(VOTERS[number], process_id).hex()}"
    assert counted.events == [
        (
            "VoteCast",
            {
                "processId": f"0x{process_id.hex()}",
                "nullifier": counted.output,
                "voter": VOTERS[number],
                "weight": WEIGHTS[number],
                "votePackage": "0x0100fe",
            },
        )
    ]
    assert processes.view("isUsed", process_id, bytes.fromhex(counted.output[2:])) is True
    assert processes.view("getProcess", process_id)["votes"] == 1


def test_nobody_votes_twice_with_the_same_or_other_choices(processes):
    process_id = new_process(processes)
    vote = ballot(processes, process_id)
    cast(processes, vote)

    refuses(processes, vote, "NullifierAlreadyUsed")
    refuses(processes, ballot(processes, process_id, package=bytes(3)), "NullifierAlreadyUsed")
    refuses(processes, malleated(vote), "InvalidSignature")

    assert processes.view("getProcess", process_id)["votes"] == 1


def test_one_may_vote_in_every_process(processes):
    first, second = new_process(processes, 1), new_process(processes, 2)

    nullifiers = [cast(processes, ballot(processes, one)).output for one in (first, second)]

    assert nullifiers[0] != nullifiers[1]
    assert processes.view("isUsed", second, bytes.fromhex(nullifiers[0][2:])) is False


def test_a_voter_signs_what_the_contract_says(processes):
    process_id = new_process(processes)

    for package in (b"", PACKAGE, b"\xff" * 64):
        expected = vote_digest(CHAIN_ID, processes.address, process_id, package)
        assert processes.view("voteDigest", process_id, package) == f"0x{expected.hex()}"


def test_no_more_vote_than_may(processes):
    process_id = new_process(processes, maxVoters=2)
    for number in (0, 1):
        cast(processes, ballot(processes, process_id, number))

    refuses(processes, ballot(processes, process_id, 2), "MaxVotersReached")

    assert processes.view("getProcess", process_id)["votes"] == 2


@pytest.mark.parametrize("status", [ENDED, CANCELED, PAUSED])
def test_votes_count_while_a_process_is_ready_only(processes, status):
    process_id = new_process(processes)
    processes.send("setProcessStatus", process_id, status)

    refuses(processes, ballot(processes, process_id), "InvalidStatus")


def test_votes_count_again_when_a_process_goes_on(processes):
    process_id = new_process(processes)
    for status in (PAUSED, 0):
        processes.send("setProcessStatus", process_id, status)

    assert cast(processes, ballot(processes, process_id)).events[0].name == "VoteCast"


@pytest.mark.parametrize(
    ("at", "is_open"), [(999, False), (1000, True), (1059, True), (1060, False), (10**9, False)]
)
def test_votes_count_from_the_start_for_the_duration(processes, at, is_open):
    process_id = new_process(processes, startTime=GENESIS_AT + 1000, duration=60)
    processes.now = GENESIS_AT + at

    if is_open:
        assert cast(processes, ballot(processes, process_id)).events[0].name == "VoteCast"
    else:
        refuses(processes, ballot(processes, process_id), "InvalidStatus")


@pytest.mark.parametrize("duration", [0, 2**64 - 1])
def test_a_process_may_have_no_end_that_anybody_sees(processes, duration):
    process_id = new_process(processes, duration=duration)
    processes.now = GENESIS_AT + 10**12

    assert cast(processes, ballot(processes, process_id)).events[0].name == "VoteCast"


@pytest.mark.parametrize(
    "package",
    [b"", PACKAGE[:2], PACKAGE + b"\0", b"\2\0\0", b"\0\3\0", b"\0\0\xff", b"\xff\xff\xff"],
)
def test_a_package_has_one_of_the_choices_for_each_question(processes, package):
    process_id = new_process(processes)

    refuses(processes, ballot(processes, process_id, package=package), "InvalidVotePackage")


def test_a_package_may_be_as_long_as_questions_go(processes):
    process_id = new_process(processes, choices=b"\xff" * 64)

    counted = cast(processes, ballot(processes, process_id, package=b"\xfe" * 64))

    assert counted.events[0].arguments["votePackage"] == "0x" + 64 * "fe"
    too_long = ballot(processes, process_id, 1, package=b"\xfe" * 65)
    refuses(processes, too_long, "reverted without a reason")


ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.mark.parametrize(
    "spoil",
    [
        *(lambda vote, v=v: vote.signature[:64] + bytes([v]) for v in (0, 1, 26, 29, 255)),
        lambda vote: malleated(vote).signature,
        lambda vote: bytes(32) + vote.signature[32:],
        lambda vote: vote.r + bytes(32) + vote.signature[64:],
        lambda vote: ORDER.to_bytes(32, "big") + vote.signature[32:],
        lambda vote: b"\xff" * 32 + vote.signature[32:],
        lambda vote: vote.r + (ORDER // 2 + 1).to_bytes(32, "big") + vote.signature[64:],
        lambda _: bytes(65),
    ],
)
def test_what_is_no_signature_has_no_signer(processes, spoil):
    process_id = new_process(processes)
    good = ballot(processes, process_id)
    vote = replace(good, signature=spoil(good))
    digest = vote_digest(CHAIN_ID, processes.address, process_id, PACKAGE)

    refuses(processes, vote, "InvalidSignature")
    assert recover(digest, vote.v, vote.r, vote.s) is None
    assert recover(digest, good.v, good.r, good.s) == VOTERS[0]


def test_half_the_order_is_still_a_low_s(processes):
    process_id = new_process(processes)
    half = (ORDER // 2).to_bytes(32, "big")
    good = ballot(processes, process_id)
    vote = replace(good, signature=good.r + half + good.signature[64:])
    digest = vote_digest(CHAIN_ID, processes.address, process_id, PACKAGE)

    refuses(processes, vote, "ProofInvalid")
    assert recover(digest, vote.v, vote.r, vote.s) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"weight": 2},
        {"weight": 0},
        {"weight": 2**256 - 1},
        {"proof": ()},
        {"proof": tuple(TREE.proof(1))},
        {"proof": tuple(TREE.proof(0)[:-1])},
        {"proof": tuple(reversed(TREE.proof(0)))},
        {"proof": (*TREE.proof(0), bytes(32))},
        {"proof": (*TREE.proof(0)[:-1], bytes(32))},
        {"proof": (bytes(32),) * 32},
    ],
)
def test_a_voter_and_a_weight_that_the_census_does_not_have_are_refused(processes, changed):
    vote = replace(ballot(processes, new_process(processes)), **changed)

    refuses(processes, vote, "ProofInvalid")


def test_a_proof_is_as_long_as_four_thousand_million_voters_need(processes):
    vote = ballot(processes, new_process(processes))

    refuses(processes, replace(vote, proof=(bytes(32),) * 32), "ProofInvalid")
    refuses(processes, replace(vote, proof=(bytes(32),) * 33), "reverted without a reason")


def test_a_signature_is_for_one_process_of_one_contract_on_one_chain_and_one_package(processes):
    process_id, another = new_process(processes, 1), new_process(processes, 2)
    elsewhere = Evm("ProcessRegistry", by=2)
    vote = ballot(processes, process_id)

    refuses(processes, replace(vote, process_id=another), "ProofInvalid")
    refuses(processes, replace(vote, package=bytes(3)), "ProofInvalid")
    signature = ballot(elsewhere, process_id).signature
    refuses(processes, replace(vote, signature=signature), "ProofInvalid")


def test_somebody_outside_the_census_is_refused(processes):
    process_id = new_process(processes, censusRoot=Tree([leaf(VOTERS[1], 1)]).root)

    refuses(processes, replace(ballot(processes, process_id), proof=()), "ProofInvalid")
    alone = replace(ballot(processes, process_id, 1), proof=())
    assert cast(processes, alone).events[0].arguments["voter"] == VOTERS[1]


@pytest.mark.parametrize("size", [2, 3, 6, 7, 9])
def test_trees_of_every_form_are_checked_as_they_are_made(processes, size):
    others = [leaf(f"0x{n:040x}", n) for n in range(1, size)]
    tree = Tree([*others, leaf(VOTERS[2], WEIGHTS[2])])
    process_id = new_process(processes, censusRoot=tree.root)

    proof = tuple(tree.proof(size - 1))
    counted = cast(processes, replace(ballot(processes, process_id, 2), proof=proof))

    assert counted.events[0].arguments["weight"] == 7


def test_of_several_faults_the_first_in_order_is_named(processes):
    process_id = new_process(processes, maxVoters=1)
    good = ballot(processes, process_id)
    cast(processes, good)

    refuses(processes, good, "NullifierAlreadyUsed")
    heavy = replace(good, weight=2)
    refuses(processes, heavy, "ProofInvalid")
    unsigned = replace(heavy, signature=bytes(65))
    refuses(processes, unsigned, "InvalidSignature")
    empty = replace(unsigned, package=b"")
    refuses(processes, empty, "InvalidVotePackage")
    processes.send("setProcessStatus", process_id, PAUSED)
    refuses(processes, empty, "InvalidStatus")
    refuses(processes, replace(empty, process_id=bytes(31)), "ProcessNotFound")


def test_a_vote_and_a_process_are_cheap(processes):
    tree = Tree([leaf(VOTERS[0], 1), *(bytes([n]) * 32 for n in range(255))])
    made = processes.send(
        *("newProcess", bytes(32), 0, 3600, 100, tree.root, "c" * 64, "m" * 64, CHOICES)
    )
    vote = ballot(processes, bytes.fromhex(made.output[2:]))

    counted = cast(processes, replace(vote, proof=tuple(tree.proof(0))))

    assert len(tree.proof(0)) == 8
    assert made.gas < 400_000
    assert counted.gas < 110_000
