"""Lists that change, for better or worse, while runs are screened against them."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from tasks.providers.watchlists.shelf import Shelf
from tasks.providers.watchlists.web import application
from tests.conftest import ROOT, wait_until
from tests.faults.conftest import QUICK
from tests.screened import verify
from tests.tasks.providers.watchlists.test_un import BOMB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What is wrong with a list, and what is said of it.
SPOILT = {
    "truncated": (lambda data: data[: len(data) // 2], "ends in the middle of a row"),
    "another encoding": (lambda data: data.decode().encode("utf-16"), "not UTF-8"),
    "empty": (lambda _: b"", "ends in the middle of a row"),
}
#: Whoever one of two versions lists, and the other does not.
FIRST, SECOND = "Milenko Dragovan", "Milenko Quixelby"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """Lists in a folder that is looked at all the time."""
    folder = shutil.copytree(ROOT / "bench" / "sample_lists", tmp_path / "lists")
    made = Shelf(folder, poll_seconds=0.01)
    made.start()
    yield made
    made.close()


@pytest.fixture
def address(shelf: Shelf) -> Iterator[str]:
    """Where the provider answers out of these lists."""
    server = make_server("127.0.0.1", 0, application(shelf, "our key"), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def change(path: Path, data: bytes) -> None:
    before = path.stat().st_mtime_ns
    path.write_bytes(data)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def refused(shelf: Shelf, name: str) -> str:
    (found,) = [one["refused"] for one in shelf.as_json() if one["name"] == name]
    return found["reason"] if found else ""


def test_every_document_is_of_one_good_version_and_names_it(
    start_worker, screener, database, service, wait, auditor, audit, shelf, address, tmp_path
):
    start_worker(**QUICK, WATCHLIST_URL=address, WATCHLIST_KEY="our key", WORKER_PROCESSES="2")
    sdn, un = tmp_path / "lists/ofac/sdn.csv", tmp_path / "lists/un/consolidated.xml"
    texts = [sdn.read_bytes(), sdn.read_bytes().replace(b"DRAGOVAN", b"QUIXELBY")]
    listed = {shelf.versions[0].version: FIRST}
    those = [verify(database, service, f"Acme {n}", FIRST, SECOND) for n in range(3)]

    for turn, (spoil, reason) in enumerate(SPOILT.values(), 1):
        first = [screener.screen(one) for one in those]
        before, un_before = shelf.versions
        change(sdn, texts[turn % 2])
        wait_until(lambda before=before: shelf.versions[0] is not before)
        listed[shelf.versions[0].version] = (FIRST, SECOND)[turn % 2]
        wait.until_over(*first)
        used = shelf.versions
        second = [screener.screen(one) for one in those]
        change(sdn, spoil(texts[turn % 2]))
        change(un, BOMB)
        wait_until(lambda reason=reason: reason in refused(shelf, "OFAC SDN"))
        wait_until(lambda: "DTD or entities" in refused(shelf, "UN SC"))
        wait.until_over(*second)
        assert shelf.versions is used
        assert used[1] is un_before

    documents = auditor.rows("""
        SELECT status, sources, hits, name
        FROM screenings JOIN stakeholders ON subject = stakeholders.id
    """)
    assert len(documents) == 2 * 3 * 3 * 2
    assert {document["status"] for document in documents} == {"ok"}
    for document in documents:
        names = [hit["name"] for hit in document["hits"]]
        is_listed = listed[document["sources"][0]["version"]] == document["name"]
        assert len(names) == is_listed, document
    assert {one["sources"][0]["version"] for one in documents} == set(listed)
    audit()
