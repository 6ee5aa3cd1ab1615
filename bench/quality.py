"""quality: how many listed names are found again, and how many clean people are flagged."""

from __future__ import annotations

import csv
import random
import re
import time
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import chain
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

from bench.demo.members import LEGISLATORS
from bench.mangling import is_telling, leave_one_out, mistype, rename, words
from bench.report import Table
from bench.rows import HEADER, member_rows
from config.stack import is_sample, lists_folder
from tasks.matching.alignment import CUT, ListedName
from tasks.matching.dates import Agreement, compare_dates
from tasks.matching.names import normalise
from tasks.providers.watchlists.listed import INDIVIDUAL, Listed
from tasks.providers.watchlists.question import Question
from tasks.providers.watchlists.versions import SOURCES, UN, read_entries, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bench.__main__ import Scale
    from bench.bed import Bed
    from tasks.providers.watchlists.versions import Version

SEED = 20261125
_YEAR = re.compile(r"\d{4}")
_RECALL_NOTES = (
    "Drawn from all names and aliases of both lists, weak aliases too. Found: by fuzzy_search=1.",
    "Left out: any word, a legal form or the only one that says something too; blanks part words.",
    "Not indexed: one alias of each of so many entries is taken out of the lists in all spellings,",
    "what is left is indexed anew, and the alias is searched for.",
)
_FLAGGED_NOTES = (
    f"Flagged: fuzzy_search=1 answers, its score is {CUT} or more; and with the year or the date",
    "of birth: an answer does not contradict it.",
    "Recombined: the first word of one's name and the last of another's. Renamed: every word of a",
    "listed company's name that says something is replaced by a member's surname.",
)


class Name(NamedTuple):
    """A name or an alias, and the entry that it is on a list for."""

    entry: Listed
    listed: ListedName


type_drawn = list[Name]


class Clean(NamedTuple):
    """Somebody who is on no list."""

    name: str
    born: date


class Flags(NamedTuple):
    """Whether somebody is flagged, the more of them is known the less."""

    by_name: bool
    by_year: bool
    by_date: bool


def figure(_: Bed, scale: Scale) -> Iterator[Table]:
    """Search the lists for names out of them, and for people who are not on them."""
    folder = lists_folder()
    entries = list(chain.from_iterable(read_entries(source, folder)[0] for source in SOURCES))
    bench = Bench(entries)
    yield bench.recall(scale.searches)
    yield bench.flagged(scale.searches)
    yield bench.speed(folder)


class Bench:
    """The entries of all lists as one version, and what was asked of it."""

    def __init__(self, entries: list[Listed], seed: int = SEED) -> None:
        self._entries = entries
        self._version = version_of("both", "", "", entries)
        self._dice = random.Random(seed)
        self._seconds: list[float] = []

    def recall(self, count: int) -> Table:
        """Ask for listed names as they are and mangled."""
        names = [Name(entry, name) for entry in self._entries for name in entry.names()]
        strong = [one for one in names if not one.listed.weak]
        long = [one for one in names if words(one.listed.name) > 2]
        short = [one for one in names if words(one.listed.name) == 2]
        row = partial(self._row, count)
        typo, one_out = partial(mistype, self._dice), partial(leave_one_out, self._dice)
        rows = [
            row("exact name or alias", "100 %", names, str),
            row("one typo", "90 %", names, typo),
            row("- no weak alias", "", strong, typo),
            row("one word of three or more left out", "95 %", long, one_out),
            *(row(title, "", drawn, one_out) for title, drawn in _parts(long)),
            row("one word of two left out", "", short, one_out),
            self._held_out(count, "alias that is not indexed", "55 %", names),
            self._held_out(count, "- no weak alias", "", strong),
        ]
        head = ["", "wanted", "found", "of"]
        return Table("quality: listed names found again", head, rows, _RECALL_NOTES)

    def flagged(self, count: int) -> Table:
        """Ask for people and companies who are on no list."""
        members = _members()
        rows = [["wanted of people", "0.50%", "0.10%", "", ""]]
        for title, people in self._clean(members, count):
            flags = [self._flags(person) for person in people]
            shares = [f"{sum(column) / len(people):.2%}" for column in zip(*flags, strict=True)]
            rows.append([title, *shares, f"{len(people):,}"])
        companies = self._companies([one.name.split()[-1] for one in members], count)
        hits = [bool(self._search(name, people=False, others=True)) for name in companies]
        rows.append(["companies renamed", f"{sum(hits) / len(hits):.2%}", "", "", f"{len(hits):,}"])
        head = ["", "by name", "with year", "with date of birth", "of"]
        return Table("quality: clean people flagged", head, rows, _FLAGGED_NOTES)

    def speed(self, folder: Path) -> Table:
        """Tell how long all these searches took."""
        cuts = quantiles(self._seconds, n=20)
        names = len(self._version.people) + len(self._version.others)
        lists = "the sample: no real lists are at hand" if is_sample(folder) else "the real lists"
        row = ["search", f"{cuts[9] * 1e3:.2f}", f"{cuts[18] * 1e3:.2f}", f"{len(self._seconds):,}"]
        head = ["", "p50 ms", "p95 ms", "searches"]
        return Table("quality: time", head, [row], [f"One thread, {names:,} names of {lists}."])

    def _row(
        self, count: int, title: str, wanted: str, names: type_drawn, change: Callable[[str], str]
    ) -> list[str]:
        chosen = self._dice.sample(names, min(count, len(names)))
        found = [
            self._is_found(change(one.listed.name), one.entry, self._version) for one in chosen
        ]
        return _found(title, wanted, found)

    def _held_out(self, count: int, title: str, wanted: str, names: type_drawn) -> list[str]:
        """Take aliases out of the lists, and ask for them."""
        drawn: dict[str, Name] = {}
        for one in self._dice.sample(names, len(names)):
            if len(drawn) < count and not _is_same(one.listed, one.entry.name):
                drawn.setdefault(one.entry.key, one)
        entries = [
            _without(entry, drawn[entry.key].listed.name) if entry.key in drawn else entry
            for entry in self._entries
        ]
        version = version_of("held out", "", "", entries)
        left = {entry.key: entry for entry in entries}
        found = [self._is_found(one.listed.name, left[key], version) for key, one in drawn.items()]
        return _found(title, wanted, found)

    def _is_found(self, asked: str, entry: Listed, version: Version) -> bool:
        is_person = entry.entity_type == INDIVIDUAL
        return entry in self._search(asked, version, people=is_person, others=not is_person)

    def _search(
        self, name: str, version: Version | None = None, *, people: bool, others: bool
    ) -> list[Listed]:
        began = time.perf_counter()
        question = Question(name=name, people=people, others=others, cut=CUT)
        hits = question.answer([version or self._version])
        self._seconds.append(time.perf_counter() - began)
        return [hit.entry for hit in hits]

    def _flags(self, person: Clean) -> Flags:
        dates = [one.dates_of_birth for one in self._search(person.name, people=True, others=False)]
        return Flags(
            by_name=bool(dates),
            by_year=any(_may_be_of(person.born.year, one) for one in dates),
            by_date=any(
                compare_dates(person.born, one) is not Agreement.CONTRADICTS for one in dates
            ),
        )

    def _clean(self, members: list[Clean], count: int) -> Iterator[tuple[str, list[Clean]]]:
        yield "legislators" if LEGISLATORS.exists() else "invented members", members
        listed = [e.name for e in self._entries if e.entity_type == INDIVIDUAL]
        names = [member.name for member in members]
        yield "their names recombined", self._recombined(names, 2 * count)
        yield "listed people's names recombined", self._recombined(listed, count)

    def _recombined(self, names: Sequence[str], count: int) -> list[Clean]:
        dice = self._dice
        return [
            Clean(
                f"{dice.choice(names).split()[0]} {dice.choice(names).split()[-1]}",
                date(dice.randint(1935, 2006), dice.randint(1, 12), dice.randint(1, 28)),
            )
            for _ in range(count)
        ]

    def _companies(self, surnames: list[str], count: int) -> list[str]:
        listed = [one.name for one in self._entries if one.entity_type != INDIVIDUAL]
        telling = [name for name in listed if any(map(is_telling, name.split()))]
        others = [one for one in surnames if is_telling(one)]
        return [rename(self._dice, self._dice.choice(telling), others) for _ in range(count)]


def _parts(names: type_drawn) -> Iterator[tuple[str, type_drawn]]:
    """Yield parts of the names, each under its title."""
    yield "- no weak alias", [one for one in names if not one.listed.weak]
    yield "- no alias", [one for one in names if one.listed.name == one.entry.name]
    yield "- OFAC's list alone", [one for one in names if one.entry.source != UN.name]
    yield "- the UN's list alone", [one for one in names if one.entry.source == UN.name]


def _found(title: str, wanted: str, found: list[bool]) -> list[str]:
    return [title, wanted, f"{sum(found) / len(found):.1%}", f"{len(found):,}"]


def _is_same(name: ListedName, other: str) -> bool:
    return normalise(name.name) == normalise(other)


def _without(entry: Listed, alias: str) -> Listed:
    """Return an entry that does not have this alias in any spelling."""
    return replace(entry, aliases=tuple(one for one in entry.aliases if not _is_same(one, alias)))


def _may_be_of(year: int, dates: tuple[str, ...]) -> bool:
    """Tell whether a listed date is of a year or of years about it, or none is known."""
    spans = [[int(year) for year in _YEAR.findall(one)] for one in dates]
    return not dates or any(not span or span[0] <= year <= span[-1] for span in spans)


def _members() -> list[Clean]:
    """Return members who are on no list."""
    if LEGISLATORS.exists():
        lines = LEGISLATORS.read_text().splitlines()
    else:
        lines = [line.decode() for line in (HEADER, *member_rows(500))]
    return [
        Clean(f"{row['name']} {row['surname']}", date.fromisoformat(row["birthDate"]))
        for row in csv.DictReader(lines)
    ]
