"""What an entry of a sanctions list says, whichever list it is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.matching.alignment import ListedName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

INDIVIDUAL, ENTITY, VESSEL, AIRCRAFT = "INDIVIDUAL", "ENTITY", "VESSEL", "AIRCRAFT"


class ListRejected(Exception):
    """A list that must not be used; the message says where it is wrong and quotes no data."""

    def __init__(self, reason: str, *, file: str = "", line: int | None = None) -> None:
        place = f"{file}, line {line}" if line else file
        super().__init__(f"{place}: {reason}" if place else reason)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One person, organization, ship or aircraft on a list.

    Dates are written "dd/mm/yyyy", "mm/yyyy", "yyyy", "circa yyyy" or "yyyy-yyyy".
    """

    #: The list: "OFAC SDN" or "UN SC".
    source: str
    #: The number or reference that the list itself gives the entry.
    source_id: str
    entity_type: str
    name: str
    aliases: tuple[ListedName, ...] = ()
    #: "MALE", "FEMALE" or nothing.
    gender: str = ""
    dates_of_birth: tuple[str, ...] = ()
    places_of_birth: tuple[str, ...] = ()
    #: Nationalities as well: the lists do not tell them apart dependably.
    citizenship: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    #: Titles and offices.
    positions: tuple[str, ...] = ()
    #: Passports, tax numbers, ship registrations and the like.
    identifiers: tuple[str, ...] = ()
    #: Under which programs, and since when where the list says so.
    sanction_details: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    #: When it was put on the list, "dd/mm/yyyy"; OFAC's files do not say.
    list_date: str = ""
    #: Whatever else the list says.
    remarks: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return what tells this entry from those of every list."""
        return f"{self.source}-{self.source_id}".lower().replace(" ", "-")

    def names(self) -> Iterator[ListedName]:
        """Return the name and every alias."""
        yield ListedName(self.name)
        yield from self.aliases


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Return the values that are not empty, each once, in their order."""
    return tuple(dict.fromkeys(value for value in values if value))
