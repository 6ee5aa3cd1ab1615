from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from bench.demo.guide import ROOT
from tasks.providers.watchlists.shelf import Shelf

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = ROOT / "bench" / "sample_lists"
#: The lists as OFAC and the UN publish them, where they are at hand.
REAL = ROOT.parent / "shared" / "data"

real_lists = pytest.mark.skipif(not REAL.is_dir(), reason="the real lists are not at hand")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of lists that a test may change."""
    return shutil.copytree(SAMPLE, tmp_path / "lists")


@pytest.fixture
def shelf(folder: Path) -> Shelf:
    """The lists of the folder, looked at when a test says so."""
    return Shelf(folder)


def ofac_files(folder: Path) -> dict[str, bytes]:
    """Return the contents of OFAC's files by their names."""
    return {path.name: path.read_bytes() for path in (folder / "ofac").glob("*.csv")}
