"""`python -m tasks.providers.devchain`: the node, in one process."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from config import logs
from config.settings import DevchainSettings, SettingsInvalid
from tasks.providers.devchain.chain import Chain, WrongChain, address_of
from tasks.providers.devchain.controls import controls
from tasks.providers.devchain.methods import methods
from tasks.providers.devchain.node import Node
from tasks.providers.devchain.server import Server
from tasks.providers.devchain.store import FileInUse, Store

#: How often a thread that waits may have its turn; a block in the making would take it all.
_SWITCH_SECONDS = 0.0005
#: What py-evm may need for contracts that call each other a thousand deep, bytes.
_STACK = 64 * 1024 * 1024


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    threading.stack_size(_STACK)
    try:
        settings = DevchainSettings.from_env()
        logs.configure(settings.log_level)
        node = _node(settings)
        offered = methods(node) | (controls(node) if settings.devchain_controls else {})
        server = Server((settings.devchain_host, settings.devchain_port), offered)
    except (SettingsInvalid, FileInUse, WrongChain, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        # It waits for the loop of this thread, so another one must ask for it.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    node.start()
    with server:
        server.serve_forever(poll_interval=0.05)
    node.close()
    return 0


def _node(settings: DevchainSettings) -> Node:
    file = Path(settings.devchain_file)
    file.parent.mkdir(parents=True, exist_ok=True)
    funded = [address_of(key) for key in settings.chain_keys]
    chain = Chain(Store(file), settings.devchain_chain_id, funded)
    return Node(chain, settings.block_seconds)


if __name__ == "__main__":
    sys.exit(main())
