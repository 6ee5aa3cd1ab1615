"""The chain's node, and the accounts that sign; who imports this loads what signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.clients.ledger import JsonRpc, NodeAway, NodeRefused
from tasks.health.finding import Finding, fail, ok, warn
from tasks.ledger.engine import Ledger
from tasks.ledger.signers import Signers, SignersFaulty
from tasks.records import ledger as records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from config.settings import Settings

#: How long the node may take to answer; seconds.
_PATIENCE = 3.0
#: The limit of an ordinary transaction of ours, and how many a signer should be able to pay for.
_GAS, _RESERVE = 190_000, 100


def chain(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Check that the node answers, is of the right chain, and that the signers can pay."""
    with JsonRpc(settings.chain_rpc_url, seconds=_PATIENCE) as node:
        try:
            chain_id, genesis = node.identity()
            head = node.block("latest")
        except NodeAway as away:
            yield fail("chain", f"{away}; chain jobs wait", "start the node, or see CHAIN_RPC_URL")
            return
        except NodeRefused:
            yield fail("chain", "the node refuses us; chain jobs wait", "correct CHAIN_RPC_URL")
            return
        bound = records.bound_chain(connection)
        if bound is not None and bound != (chain_id, genesis):
            yield fail(
                "chain",
                f"the node is of chain {chain_id}, the database of another: {bound[0]}"
                if bound[0] != chain_id
                else f"the node's chain {chain_id} has another first block than the database's",
                "set CHAIN_RPC_URL to a node of the database's chain",
            )
            return
        yield ok("chain", f"the node of chain {chain_id} is at block {head.number if head else 0}")
        try:
            signers = Signers.from_settings(settings, chain_id)
            yield from _funds(Ledger(node, signers, chain_id, settings.chain_max_fee))
        except SignersFaulty as faulty:
            yield fail("signers", str(faulty), "set CHAIN_KEYS, or CHAIN_KEYSTORE")
        except (NodeAway, NodeRefused):
            # What the node says is its own, and may be anything.
            yield fail("signers", "the node does not say what they have", "look at the node")


def _funds(ledger: Ledger) -> Iterator[Finding]:
    for address in ledger.signers.addresses:
        # A call of oneself, which is answered with what everything costs and what there is.
        quote = ledger.node.quote(address, address, b"")
        if quote.base_fee > ledger.max_fee:
            yield warn(
                "signers",
                "gas costs more than CHAIN_MAX_FEE: nothing is mined",
                "wait, or raise it",
            )
            return
        paid_for = quote.balance // (_GAS * max(1, ledger.fees(quote).most))
        if paid_for == 0:
            yield fail("signers", f"{address} cannot pay for a transaction", "send it funds")
        elif paid_for < _RESERVE:
            yield warn("signers", f"{address} can pay for {paid_for} transactions", "send it funds")
        else:
            yield ok("signers", f"{address} can pay for {paid_for:,} transactions")
