"""A version of a list: what was read, from which bytes, as of when."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.providers.watchlists import ofac, un
from tasks.providers.watchlists.index import Index
from tasks.providers.watchlists.listed import INDIVIDUAL, Listed, ListRejected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: A newer version with less than this share of the entries or names in use is taken for cut off.
LEAST_SHARE = 0.8

#: Name, modification time in nanoseconds and size of each file.
type_state = tuple[tuple[str, int, int], ...]


class Source(NamedTuple):
    """A list, and where in the folder of lists it is."""

    name: str
    folder: str
    files: tuple[str, ...]


OFAC = Source(ofac.SOURCE, "ofac", tuple(ofac.FILES))
UN = Source(un.SOURCE, "un", (un.FILE,))
SOURCES = (OFAC, UN)


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of one list, ready to be searched. It never changes."""

    name: str
    #: SHA-256 over the names and bytes of the files, in hexadecimal.
    version: str
    #: When the list was made, "yyyy-mm-dd": the UN's says it, of OFAC's the newest file does.
    as_of: str
    entries: int
    people: Index = field(repr=False)
    #: Organizations, ships and aircraft.
    others: Index = field(repr=False)

    @property
    def names(self) -> int:
        """Return how many names the entries have, aliases among them."""
        return len(self.people) + len(self.others)

    def as_json(self) -> dict[str, Any]:
        """Return what tells this version from others."""
        names = ("name", "version", "as_of", "entries")
        return {name: getattr(self, name) for name in names}


def state_of(source: Source, folder: Path) -> type_state:
    """Return the state of the files that are there; nothing when there are none."""
    found = []
    for name in source.files:
        try:
            status = (folder / source.folder / name).stat()
        except OSError:
            continue
        found.append((name, status.st_mtime_ns, status.st_size))
    return tuple(found)


def read_version(source: Source, folder: Path, *, in_use: Version | None = None) -> Version:
    """Read a list and index it.

    Raises:
        ListRejected: it must not be used, or much is missing that the version in use has.
    """
    entries, as_of, digest = read_entries(source, folder)
    if in_use:
        _check_share("entries", len(entries), in_use.entries)
    version = version_of(source.name, digest, as_of, entries)
    if in_use:  # what is gone may be a file of aliases
        _check_share("names", version.names, in_use.names)
    return version


def _check_share(what: str, count: int, in_use: int) -> None:
    if count < LEAST_SHARE * in_use:
        raise ListRejected(f"{count} {what} are less than {LEAST_SHARE:.0%} of the {in_use} in use")


def version_of(name: str, digest: str, as_of: str, entries: list[Listed]) -> Version:
    """Index entries."""
    return Version(
        name=name,
        version=digest,
        as_of=as_of,
        entries=len(entries),
        people=Index([entry for entry in entries if entry.entity_type == INDIVIDUAL]),
        others=Index([entry for entry in entries if entry.entity_type != INDIVIDUAL]),
    )


def read_entries(source: Source, folder: Path) -> tuple[list[Listed], str, str]:
    """Return the entries of a list, the day it was made, and the digest of its files.

    Raises:
        ListRejected: it must not be used.
    """
    files = _contents(source, folder)
    if source == UN:
        return *un.read_un(files[un.FILE]), _digest(files)
    newest = max((changed for _, changed, _ in state_of(source, folder)), default=0)
    made = datetime.fromtimestamp(newest / 1e9, UTC).date().isoformat()
    return ofac.read_ofac(files), made, _digest(files)


def _contents(source: Source, folder: Path) -> dict[str, bytes]:
    files = {}
    for name in source.files:
        try:
            files[name] = (folder / source.folder / name).read_bytes()
        except FileNotFoundError:
            raise ListRejected("the file is missing", file=name) from None
        except OSError as error:
            raise ListRejected(f"the file cannot be read ({error.strerror})", file=name) from None
    return files


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(f"{name} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()
