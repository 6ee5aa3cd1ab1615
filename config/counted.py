"""A folder in which the processes of one API count together, and that does not outlive them."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import IO

_PREFIX = "jobspine-metrics-"
#: The file whose lock says that a folder is in use; whoever has it open holds it.
_HELD = "held"


def make_folder() -> tuple[Path, IO[bytes]]:
    """Make a folder, and remove those whose processes were killed before they could do so.

    It is held for as long as the file is open that is returned with it, here or in a child.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _remove_if_left(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    held = (folder / _HELD).open("wb")
    fcntl.flock(held, fcntl.LOCK_EX)
    return folder, held


def _remove_if_left(folder: Path) -> None:
    try:
        with (folder / _HELD).open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
    except OSError:
        return  # it is in use, or somebody else's
