"""An EVM node, as Ethereum's JSON-RPC describes it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import httpx

from tasks.job.errors import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Calls in one request at the most; public nodes refuse more.
BATCH = 100
#: What nodes say of a transaction that they have, or that another one has overtaken. None of
#: these is an error: the receipt will tell which transaction was mined.
_NO_ERRORS = (
    "already known",
    "already imported",
    "known transaction",
    "nonce too low",
    "underpriced",
    "already have",
)


class NodeAway(Complaint):
    """The node does not answer, or not like one."""


class NodeRefused(Complaint):
    """The node refuses a call; the message is its own."""

    def __init__(self, message: str, data: str = "") -> None:
        super().__init__(message)
        #: What the contract said, 0x and hexadecimal digits; empty where it did not speak.
        self.data = data


class Block(NamedTuple):
    """A block's head."""

    number: int
    hash: str
    #: What a unit of gas costs at least, in wei.
    base_fee: int


class Quote(NamedTuple):
    """What must be known before a transaction is signed. Prices are in wei."""

    #: How much gas it takes.
    gas: int
    #: What a unit of gas costs at least, and what is usually paid beyond that.
    base_fee: int
    tip: int
    #: How many transactions of the account are in a block.
    nonce: int
    #: What the account has.
    balance: int
    #: The most gas that all transactions of a block take together.
    block_gas: int


class Receipt(NamedTuple):
    """What became of a transaction that is in a block."""

    hash: str
    block_hash: str
    block_number: int
    succeeded: bool
    #: The contract that it created.
    contract: str | None
    logs: tuple[Mapping[str, Any], ...]


class Node(Protocol):
    """What the ledger asks of a node. Every method may raise `NodeAway`."""

    def identity(self) -> tuple[int, str]:
        """Return the chain's id and the hash of its first block."""

    def block(self, which: str | int) -> Block | None:
        """Return the head of a block by its number or by a tag such as `finalized`."""

    def hashes(self, numbers: Sequence[int]) -> dict[int, str]:
        """Return the hashes of those blocks that there are."""

    def count(self, address: str, which: str | int) -> int:
        """Return how many transactions an account has sent, as of a block."""

    def balance(self, address: str) -> int:
        """Return what an account has, in wei."""

    def code(self, address: str) -> bytes:
        """Return the code of a contract; nothing where there is none."""

    def quote(self, sender: str, target: str | None, data: bytes) -> Quote:
        """Return what a call takes and what gas costs at this moment.

        Raises:
            NodeRefused: the call would fail.
        """

    def replay(self, sender: str, target: str | None, data: bytes, block: int) -> None:
        """Make a call on the state after a block, changing nothing.

        Raises:
            NodeRefused: it fails.
        """

    def send(self, raws: Sequence[bytes]) -> list[str]:
        """Send signed transactions, in this order; return for each why it was refused, or ""."""

    def receipts(self, hashes: Sequence[str]) -> dict[str, Receipt]:
        """Return the receipts of those transactions that are in a block."""

    def used(
        self, address: str, which: str | int, hashes: Sequence[str]
    ) -> tuple[int, dict[str, Receipt]]:
        """Return a count and receipts in one request.

        Behind an address there may be several nodes, and not all of them at the same block.
        """

    def knows(self, tx_hash: str) -> bool:
        """Tell whether a transaction is in a block or waits for one."""


class JsonRpc:
    """A node over HTTP. One process uses one, from one thread."""

    def __init__(self, url: str, *, seconds: float) -> None:
        self._url = url
        self._http = httpx.Client(timeout=seconds, trust_env=False)
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def identity(self) -> tuple[int, str]:
        """Return the chain's id and the hash of its first block."""
        chain, first = self._ask(("eth_chainId", []), ("eth_getBlockByNumber", ["0x0", False]))
        return _number(chain), str(_field(first, "hash"))

    def block(self, which: str | int) -> Block | None:
        """Return the head of a block by its number or by a tag such as `finalized`."""
        (found,) = self._ask(("eth_getBlockByNumber", [_spelled(which), False]))
        if found is None:
            return None
        base = _number(found.get("baseFeePerGas") or "0x0")
        return Block(_number(_field(found, "number")), str(_field(found, "hash")), base)

    def hashes(self, numbers: Sequence[int]) -> dict[int, str]:
        """Return the hashes of those blocks that there are."""
        calls = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
        answers = zip(numbers, self._ask(*calls), strict=True)
        return {number: str(_field(found, "hash")) for number, found in answers if found}

    def count(self, address: str, which: str | int) -> int:
        """Return how many transactions an account has sent, as of a block."""
        (answer,) = self._ask(("eth_getTransactionCount", [address, _spelled(which)]))
        return _number(answer)

    def balance(self, address: str) -> int:
        """Return what an account has, in wei."""
        (answer,) = self._ask(("eth_getBalance", [address, "latest"]))
        return _number(answer)

    def code(self, address: str) -> bytes:
        """Return the code of a contract; nothing where there is none."""
        (answer,) = self._ask(("eth_getCode", [address, "latest"]))
        return _bytes(answer)

    def quote(self, sender: str, target: str | None, data: bytes) -> Quote:
        """Return what a call takes and what gas costs at this moment."""
        gas, head, tip, count, balance = self._ask(
            ("eth_estimateGas", [_call(sender, target, data)]),
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_maxPriorityFeePerGas", []),
            ("eth_getTransactionCount", [sender, "latest"]),
            ("eth_getBalance", [sender, "latest"]),
        )
        base, most = _number(_field(head, "baseFeePerGas")), _number(_field(head, "gasLimit"))
        return Quote(_number(gas), base, _number(tip), _number(count), _number(balance), most)

    def replay(self, sender: str, target: str | None, data: bytes, block: int) -> None:
        """Make a call on the state after a block, changing nothing."""
        self._ask(("eth_call", [_call(sender, target, data), hex(block)]))

    def send(self, raws: Sequence[bytes]) -> list[str]:
        """Send signed transactions, in this order; return for each why it was refused, or ""."""
        calls = [("eth_sendRawTransaction", [f"0x{raw.hex()}"]) for raw in raws]
        answers = self._answers(calls)
        return [_refusal(answer) if isinstance(answer, NodeRefused) else "" for answer in answers]

    def receipts(self, hashes: Sequence[str]) -> dict[str, Receipt]:
        """Return the receipts of those transactions that are in a block."""
        calls = [("eth_getTransactionReceipt", [one]) for one in hashes]
        found = (_receipt(answer) for answer in self._ask(*calls) if answer)
        return {receipt.hash: receipt for receipt in found}

    def used(
        self, address: str, which: str | int, hashes: Sequence[str]
    ) -> tuple[int, dict[str, Receipt]]:
        """Return a count and receipts in one request, up to `BATCH` of both."""
        count, *found = self._ask(
            ("eth_getTransactionCount", [address, _spelled(which)]),
            *(("eth_getTransactionReceipt", [one]) for one in hashes),
        )
        receipts = (_receipt(answer) for answer in found if answer)
        return _number(count), {receipt.hash: receipt for receipt in receipts}

    def knows(self, tx_hash: str) -> bool:
        """Tell whether a transaction is in a block or waits for one."""
        (answer,) = self._ask(("eth_getTransactionByHash", [tx_hash]))
        return answer is not None

    def _ask(self, *calls: tuple[str, list[Any]]) -> list[Any]:
        """Return the answers to calls, in their order."""
        answers = self._answers(calls)
        for answer in answers:
            if isinstance(answer, NodeRefused):
                raise answer
        return answers

    def _answers(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Return an answer or a `NodeRefused` for each call, in as few requests as may be."""
        return [answer for some in _batches(calls) for answer in self._batch(some)]

    def _batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        asked = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
            for method, params in calls
        ]
        answered = self._post(asked if len(asked) > 1 else asked[0])
        listed = answered if isinstance(answered, list) else [answered]
        try:
            by_id = {one["id"]: one for one in listed}
            return [_answer(by_id[one["id"]]) for one in asked]
        except (KeyError, TypeError):
            raise NodeAway("the node's answer is not JSON-RPC") from None

    def _post(self, body: Any) -> Any:
        try:
            response = self._http.post(self._url, json=body)
            response.raise_for_status()
            return response.json()
        except httpx.HTTPStatusError as error:
            raise NodeAway(f"the node answers {error.response.status_code}") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            # The text of these may hold the node's address, and that a key of ours.
            raise NodeAway(f"the node cannot be reached ({type(error).__name__})") from None


def _batches(
    calls: Sequence[tuple[str, list[Any]]],
) -> Iterable[Sequence[tuple[str, list[Any]]]]:
    return (calls[at : at + BATCH] for at in range(0, len(calls), BATCH))


def _answer(given: Mapping[str, Any]) -> Any:
    error = given.get("error")
    if error is None:
        return given["result"]
    data = error.get("data")
    return NodeRefused(str(error.get("message", "")), data if isinstance(data, str) else "")


def _refusal(refused: NodeRefused) -> str:
    text = str(refused)
    return "" if any(known in text.lower() for known in _NO_ERRORS) else text


def _call(sender: str, target: str | None, data: bytes) -> dict[str, str]:
    call = {"from": sender, "data": f"0x{data.hex()}"}
    return {**call, "to": target} if target else call


def _spelled(which: str | int) -> str:
    return hex(which) if isinstance(which, int) else which


def _receipt(given: Mapping[str, Any]) -> Receipt:
    return Receipt(
        hash=str(_field(given, "transactionHash")),
        block_hash=str(_field(given, "blockHash")),
        block_number=_number(_field(given, "blockNumber")),
        succeeded=_number(given.get("status", "0x1")) == 1,
        contract=given.get("contractAddress"),
        logs=tuple(given.get("logs") or ()),
    )


def _field(given: Any, name: str) -> Any:
    if not isinstance(given, dict) or given.get(name) is None:
        raise NodeAway(f"the node's answer lacks {name}")
    return given[name]


def _number(given: Any) -> int:
    try:
        return int(given, 16)
    except (TypeError, ValueError):
        raise NodeAway("the node's answer is no number") from None


def _bytes(given: Any) -> bytes:
    try:
        return bytes.fromhex(given.removeprefix("0x"))
    except (AttributeError, ValueError):
        raise NodeAway("the node's answer is no hexadecimal text") from None
