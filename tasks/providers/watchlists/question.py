"""What is asked of the provider, and which entries answer it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from tasks.matching.alignment import CUT
from tasks.matching.dates import Agreement, compare_dates
from tasks.matching.names import MAX_CHARACTERS, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.providers.watchlists.index import Hit, Index
    from tasks.providers.watchlists.listed import Listed
    from tasks.providers.watchlists.versions import Version

#: The cuts of `fuzzy_search`; without it names must be the same.
CUTS = {"": None, "0": None, "1": CUT, "2": 0.65}
_GENDERS = {"": "", "male": "MALE", "m": "MALE", "female": "FEMALE", "f": "FEMALE"}


class BadQuestion(Exception):
    """A parameter is wrong; the message names it and does not quote it."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Who is looked for."""

    name: str
    #: Among people, among all others, or both.
    people: bool
    others: bool
    #: The least score; None when the words must be the same.
    cut: float | None
    born: date | None = None
    #: "MALE", "FEMALE" or nothing.
    gender: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str], *, people: bool) -> Question:
        """Read the parameters of a call for people, or for others.

        Raises:
            BadQuestion: one is missing or wrong.
        """
        names, search_all = given.get("names", "").strip(), given.get("search_all", "").strip()
        if bool(names) == bool(search_all):
            raise BadQuestion("give either names or search_all")
        name = names or search_all
        if len(name) > MAX_CHARACTERS or not normalise(name):
            raise BadQuestion("the name is too long or has no letters")
        fuzzy, gender = given.get("fuzzy_search", ""), given.get("gender", "").lower()
        if fuzzy not in CUTS:
            raise BadQuestion("fuzzy_search is neither 1 nor 2")
        if gender not in _GENDERS:
            raise BadQuestion("gender is neither male nor female")
        return cls(
            name=name,
            people=people or bool(search_all),
            others=not people or bool(search_all),
            cut=CUTS[fuzzy],
            born=_birth_date(given.get("dob", "")),
            gender=_GENDERS[gender],
        )

    def answer(self, versions: Iterable[Version]) -> list[Hit]:
        """Return what was found in lists, the best first."""
        hits = []
        for version in versions:
            if self.people:
                hits += [hit for hit in self._search(version.people) if self._may_be(hit.entry)]
            if self.others:
                hits += self._search(version.others)
        return sorted(hits, key=lambda hit: -hit.alignment.score)

    def _search(self, index: Index) -> list[Hit]:
        if self.cut is None:
            return index.search_exactly(self.name)
        return index.search(self.name, self.cut)

    def _may_be(self, entry: Listed) -> bool:
        """Tell whether nothing that was asked for contradicts an entry."""
        if self.gender and entry.gender not in {"", self.gender}:
            return False
        return compare_dates(self.born, entry.dates_of_birth) is not Agreement.CONTRADICTS


def _birth_date(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%d/%m/%Y").date()  # noqa: DTZ007 - a birth day has no zone
    except ValueError:
        raise BadQuestion("dob is not a date, dd/mm/yyyy") from None
