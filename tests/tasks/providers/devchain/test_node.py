"""The node as a process: its timer, its file, its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading

import httpx
import psutil
import pytest

from tests.chain import ROOT
from tests.conftest import wait_until
from tests.tasks.providers.devchain.conftest import height, nonce_of, refusal, send, sign


def receipt(chain, tx_hash):
    return chain.rpc("eth_getTransactionReceipt", tx_hash)


def test_a_transaction_becomes_final_by_itself_and_then_no_more_blocks_are_made(new_devchain):
    chain = new_devchain()

    tx_hash = send(chain)
    found = wait_until(lambda: receipt(chain, tx_hash))
    wait_until(lambda: height(chain, "finalized") == 1)

    assert (found["status"], found["blockNumber"]) == ("0x1", "0x1")
    assert [height(chain, name) for name in ("earliest", "finalized", "safe")] == [0, 1, 2]
    assert [height(chain, name) for name in ("latest", "pending")] == [3, 4]


def test_a_chain_that_is_paused_makes_blocks_only_when_told(new_devchain):
    chain = new_devchain()
    chain.pause()
    tx_hash = send(chain)

    chain.mine(2)
    assert receipt(chain, tx_hash)["blockNumber"] == "0x1"
    second = send(chain)
    chain.resume()

    found = wait_until(lambda: receipt(chain, second))
    assert found["blockNumber"] == "0x3"
    wait_until(lambda: height(chain, "finalized") == 3)


def test_the_timer_makes_no_block_when_the_reason_for_it_has_gone(chain):
    tx_hash = send(chain)
    chain.rpc("anvil_dropTransaction", tx_hash)

    chain.node._tick()
    assert height(chain) == 0

    send(chain)
    chain.rpc("evm_setIntervalMining", 0)
    chain.node._tick()
    assert height(chain) == 0


def test_nothing_that_was_answered_as_mined_is_lost_when_the_process_is_killed(new_devchain):
    chain = new_devchain(BLOCK_SECONDS="0.001")
    seen: dict[str, str] = {}
    for _ in range(2):
        first = nonce_of(chain)
        signed = [sign(chain, first + number) for number in range(60)]
        sender = threading.Thread(target=send_all, args=(chain.url, [one.raw for one in signed]))
        sender.start()

        def look(hashes=[one.hash for one in signed]):  # noqa: B006
            found = [receipt(chain, tx_hash) for tx_hash in hashes]
            seen.update({one["transactionHash"]: one["blockHash"] for one in found if one})
            return sum(1 for one in found if one) > 5

        wait_until(look)
        chain.kill()
        sender.join()
        chain.start()
        for tx_hash, block in seen.items():
            assert receipt(chain, tx_hash)["blockHash"] == block

    wait_until(
        lambda: height(chain, "finalized") >= int(receipt(chain, tx_hash)["blockNumber"], 16)
    )
    assert int(chain.rpc("eth_getTransactionCount", chain.address), 16) >= len(seen)


def send_all(url, raws):
    """Send transactions until the node is gone."""
    with httpx.Client() as client:
        for raw in raws:
            asked = {"id": 1, "method": "eth_sendRawTransaction", "params": [raw]}
            try:
                client.post(url, json=asked)
            except httpx.TransportError:
                return


def run(**environment):
    """Run a node to its end; return its status and what it complained of."""
    ended = subprocess.run(
        [sys.executable, "-m", "tasks.providers.devchain"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stderr


def test_a_second_process_on_the_same_file_is_refused(devchain):
    status, said = run(DEVCHAIN_FILE=str(devchain.file), DEVCHAIN_PORT="1")

    assert status == 1
    assert said == f"another process has {devchain.file}\n"


def test_a_port_that_is_taken_and_settings_that_are_wrong_are_a_clear_end(devchain, tmp_path):
    port = devchain.url.rpartition(":")[2]

    status, said = run(DEVCHAIN_FILE=str(tmp_path / "chain"), DEVCHAIN_PORT=port)

    assert (status, said) == (1, "[Errno 98] Address already in use\n")
    assert run(DEVCHAIN_FILE="") == (1, "DEVCHAIN_FILE is required\n")


def test_a_node_that_is_told_to_end_ends_well(new_devchain):
    chain = new_devchain()
    send(chain)

    chain.process.send_signal(signal.SIGTERM)

    assert chain.process.wait(10) == 0
    chain.process = None
    chain.start()
    assert height(chain) >= 0


def test_only_tests_may_control_a_chain(new_devchain):
    chain = new_devchain(DEVCHAIN_CONTROLS="false")

    assert refusal(chain, "anvil_reorg", 1, []) == (
        -32601,
        "the method anvil_reorg does not exist/is not available",
    )


def test_an_answer_leaves_in_one_piece_and_the_connection_stays(devchain):
    host, port = devchain.url.removeprefix("http://").split(":")
    body = b'{"id":1,"method":"eth_chainId"}'
    head = f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for _ in range(2):
            connection.sendall(head + body)
            answer = connection.recv(65536)

            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(b'{"jsonrpc":"2.0","id":1,"result":"0x539"}')


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Content-Length": str(6 * 1024**2)}, b"413"), ({"Transfer-Encoding": "chunked"}, b"411")],
)
def test_a_body_that_is_too_long_or_of_no_length_is_not_read(devchain, headers, status):
    host, port = devchain.url.removeprefix("http://").split(":")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode())

        assert connection.recv(65536).split()[1] == status


def test_a_deep_nest_is_refused_and_ends_nothing(devchain):
    answer = httpx.post(devchain.url, content=b"[" * 1_000_000).json()

    assert answer["error"] == {"code": -32700, "message": "parse error"}
    assert devchain.rpc("eth_chainId") == "0x539"


def test_a_node_needs_little_memory(devchain):
    assert psutil.Process(devchain.process.pid).memory_info().rss < 100 * 1024**2


def test_every_account_that_is_made_for_a_test_has_money(devchain):
    key = devchain.new_key()

    assert len(bytes.fromhex(key)) == 32
    devchain.mine(3)
    assert height(devchain) >= 3
