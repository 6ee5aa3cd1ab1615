"""Our contracts on the chain: deployed once, by whoever looks after transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from tasks.ledger.contracts import NAMES, artefact
from tasks.ledger.engine import gas_limit, keep_signed
from tasks.records import ledger as records
from tasks.records.ledger import Intent

if TYPE_CHECKING:
    from config.database import Database
    from tasks.ledger.engine import Ledger
    from tasks.records.ledger import Transaction

log = structlog.get_logger(__name__)


class ContractDiffers(Exception):
    """At a contract's address there is other code than ours."""


def deploy(database: Database, ledger: Ledger) -> bool:
    """Bring those contracts on their way that are not there; tell whether all are.

    Like every transaction of ours each deployment has a nonce of its own for ever.

    Raises:
        ContractDiffers: a contract is known, and other code is there.
        NodeAway, NodeRefused: the node is away, or refuses; nothing is lost.
    """
    return not [name for name in NAMES if not _is_deployed(database, ledger, name)]


def _is_deployed(database: Database, ledger: Ledger, name: str) -> bool:
    with database.statement() as connection:
        address = records.contract(connection, name)
        begun = records.find(connection, f"contract {name}", "deploy")
    if address is None and begun is not None and begun.state == "final":
        address = _created_by(ledger, begun.mined_hash or "")
        with database.statement() as connection:
            records.add_contract(connection, name, address)
            records.heed(connection, begun.id)
        log.info("contract_deployed", name=name, address=address)
    if address is not None:
        _check(ledger, name, address)
        return True
    if begun is None or begun.state in {"displaced", "void"}:
        _send(database, ledger, name, lost=begun)
    return False


def _check(ledger: Ledger, name: str, address: str) -> None:
    if ledger.node.code(address) != artefact(name).deployed:
        raise ContractDiffers(f"the code at {address} is not that of {name}")


def _created_by(ledger: Ledger, tx_hash: str) -> str:
    return str(ledger.node.receipts([tx_hash])[tx_hash].contract)


def _send(database: Database, ledger: Ledger, name: str, *, lost: Transaction | None) -> None:
    """Sign the deployment and keep it; whoever looks after transactions sends it.

    One whose nonce was used by something else is lost, and takes another.
    """
    sender = ledger.signers.addresses[0]
    code = artefact(name).bytecode
    quote = ledger.node.quote(sender, None, code)
    intent = Intent(f"contract {name}", "deploy", sender, None, code, gas_limit(quote))
    with database.transaction() as connection:
        if lost is not None:
            records.put_aside(connection, lost)
        keep_signed(connection, ledger, intent, quote)
