from __future__ import annotations

import pytest

from tasks.ledger.contracts import artefact
from tests.tasks.ledger.contracts.voters import CHOICES, TREE, new_process
from tests.tasks.ledger.evm import Evm, Refused, address

READY, ENDED, CANCELED, PAUSED, RESULTS = range(5)

#: How a process gets to a status.
PATHS = {
    READY: [],
    ENDED: [ENDED],
    CANCELED: [CANCELED],
    PAUSED: [PAUSED],
    RESULTS: [ENDED, RESULTS],
}
LEGAL = {
    READY: {PAUSED, CANCELED, ENDED},
    PAUSED: {READY, CANCELED, ENDED},
    ENDED: {RESULTS},
    CANCELED: set(),
    RESULTS: set(),
}


def status_of(evm, process_id):
    return evm.view("getProcess", process_id)["status"]


def test_what_stands_on_the_chain_is_what_the_compiler_made(processes):
    assert processes.code == artefact("ProcessRegistry").deployed


def test_a_process_is_kept_as_it_was_created(processes):
    made = processes.send(
        "newProcess",
        *(b"\x07" * 32, 1_700_000_100, 3600, 5, TREE.root, "https://c", "https://m", CHOICES),
    )

    process_id = bytes.fromhex(made.output[2:])
    assert processes.view("getProcess", process_id) == {
        "creator": "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf",
        "status": READY,
        "startTime": 1_700_000_100,
        "duration": 3600,
        "maxVoters": 5,
        "votes": 0,
        "censusRoot": f"0x{TREE.root.hex()}",
        "choices": "0x0203ff",
        "censusURI": "https://c",
        "metadataURI": "https://m",
    }
    assert made.events == [
        (
            "NewProcess",
            {
                "processId": made.output,
                "creator": "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf",
                "jobKey": "0x" + 32 * "07",
                "censusRoot": f"0x{TREE.root.hex()}",
            },
        )
    ]
    assert processes.view("processOf", address(1), b"\x07" * 32) == made.output


def test_an_id_is_its_creator_a_prefix_and_a_number_of_the_creators_own(processes):
    first, second = new_process(processes, 1), new_process(processes, 2)
    other = new_process(processes, 3, by=2)

    assert [len(one) for one in (first, second, other)] == [31, 31, 31]
    assert first[:20].hex() == second[:20].hex() == "7e5f4552091a69125d5dfcb7b8c2659029395bdf"
    assert other[:20].hex() == "2b5ad5c4795c026514f8317c7a215e218dccd6cf"
    assert first[20:24] == second[20:24] == other[20:24] != bytes(4)
    assert [one[24:].hex() for one in (first, second, other)] == [
        "00000000000001",
        "00000000000002",
        "00000000000001",
    ]


def test_without_a_start_it_starts_with_its_block(processes):
    processes.now = 1_800_000_000

    process_id = new_process(processes)

    assert processes.view("getProcess", process_id)["startTime"] == 1_800_000_000


def test_a_job_has_one_process(processes):
    process_id = new_process(processes, 1)

    with pytest.raises(Refused, match=r"^ProcessAlreadyExists$"):
        new_process(processes, 1)

    key = (1).to_bytes(32, "big")
    assert processes.view("processOf", address(1), key) == f"0x{process_id.hex()}"
    assert new_process(processes, 2)[24:].hex() == "00000000000002"


def test_who_takes_the_key_of_somebody_elses_job_neither_blocks_it_nor_passes_for_them(processes):
    key = (1).to_bytes(32, "big")
    theirs = new_process(processes, 1, by=2)
    before = processes.view("processOf", address(1), key)

    ours = new_process(processes, 1, by=1)

    assert before == "0x" + 31 * "00"
    assert processes.view("processOf", address(1), key) == f"0x{ours.hex()}"
    assert processes.view("processOf", address(2), key) == f"0x{theirs.hex()}"


@pytest.mark.parametrize("choices", [b"", b"\x00", b"\x02\x00\x02", b"\x01" * 63 + b"\x00"])
def test_a_process_needs_questions_and_each_of_them_choices(processes, choices):
    with pytest.raises(Refused, match=r"^InvalidQuestions$"):
        new_process(processes, choices=choices)


def test_a_process_may_be_as_large_as_it_gets(processes):
    process_id = new_process(
        processes,
        startTime=2**64 - 1,
        duration=2**64 - 1,
        maxVoters=2**64 - 1,
        censusURI="c" * 256,
        metadataURI="m" * 256,
        choices=b"\xff" * 64,
    )

    kept = processes.view("getProcess", process_id)
    assert (kept["startTime"], kept["duration"], kept["maxVoters"]) == (2**64 - 1,) * 3
    assert (kept["censusURI"], kept["metadataURI"]) == ("c" * 256, "m" * 256)
    assert kept["choices"] == "0x" + 64 * "ff"


@pytest.mark.parametrize(
    "changed",
    [{"censusURI": "c" * 257}, {"metadataURI": "m" * 257}, {"choices": b"\x01" * 65}],
)
def test_what_is_too_long_is_refused(processes, changed):
    with pytest.raises(Refused, match="reverted without a reason"):
        new_process(processes, **changed)


@pytest.mark.parametrize("before", PATHS)
def test_a_status_moves_as_documented_and_in_no_other_way(processes, before):
    for after in (*range(7), 255):
        process_id = new_process(processes, after)
        for step in PATHS[before]:
            processes.send("setProcessStatus", process_id, step)
        if after in LEGAL[before]:
            said = processes.send("setProcessStatus", process_id, after).events
            assert said == [
                ("ProcessStatusChanged", {"processId": f"0x{process_id.hex()}", "status": after})
            ]
            assert status_of(processes, process_id) == after
        else:
            with pytest.raises(Refused, match=r"^InvalidStatus$"):
                processes.send("setProcessStatus", process_id, after)
            assert status_of(processes, process_id) == before


def test_nobody_but_its_creator_moves_a_process(processes):
    process_id = new_process(processes, by=1)

    for status in range(6):
        with pytest.raises(Refused, match=r"^Unauthorized$"):
            processes.send("setProcessStatus", process_id, status, by=2)

    assert status_of(processes, process_id) == READY


def test_a_process_that_is_not_there_is_not_found(processes):
    unknown = new_process(processes)[:30] + b"\xff"

    with pytest.raises(Refused, match=r"^ProcessNotFound$"):
        processes.send("setProcessStatus", unknown, ENDED)
    with pytest.raises(Refused, match=r"^ProcessNotFound$"):
        processes.view("getProcess", unknown)
    assert processes.view("processOf", address(1), b"\x09" * 32) == "0x" + 31 * "00"
    assert processes.view("isUsed", unknown, b"\x09" * 32) is False


def test_two_contracts_give_out_different_ids():
    one, other = Evm("ProcessRegistry"), Evm("ProcessRegistry", by=2)
    ids = [new_process(one), new_process(other)]

    assert one.address != other.address
    assert ids[0][:20] == ids[1][:20]
    assert ids[0][20:24] != ids[1][20:24]
    assert ids[0][24:] == ids[1][24:]


def test_accounts_are_those_that_the_tests_name():
    assert address(1) == "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"
    assert address(2) == "0x2b5ad5c4795c026514f8317c7a215e218dccd6cf"
