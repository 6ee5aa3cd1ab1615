"""quality: how many listed names are found again, and how many clean people are flagged."""

from __future__ import annotations

import csv
import random
import time
from datetime import date
from functools import partial
from itertools import chain
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

from bench.demo import LEGISLATORS
from bench.report import Table
from bench.rows import HEADER, member_rows
from config.stack import is_sample, lists_folder
from tasks.matching.alignment import CUT, ListedName, best
from tasks.matching.dates import Agreement, compare_dates
from tasks.matching.names import normalise, tokens
from tasks.providers.watchlists.listed import INDIVIDUAL
from tasks.providers.watchlists.question import Question
from tasks.providers.watchlists.versions import SOURCES, read_entries, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.__main__ import Scale
    from bench.bed import Bed
    from tasks.providers.watchlists.listed import Listed

SEED = 20261125
#: Weight from which a word says something, so that a name without it is another name.
TELLING_WORD = 0.5
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Case(NamedTuple):
    """A question, and the entry that answers it."""

    asked: str
    entry: Listed
    listed: ListedName


class Person(NamedTuple):
    """Somebody who is on no list."""

    name: str
    born: date


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

    def __init__(self, entries: list[Listed]) -> None:
        self._entries = entries
        self._version = version_of("both", "", "", entries)
        self._dice = random.Random(SEED)
        self._seconds: list[float] = []

    def recall(self, count: int) -> Table:
        """Ask for listed names as they are and mangled."""
        names = [(entry, name) for entry in self._entries for name in entry.names()]
        strong = [one for one in names if not one[1].weak]
        telling = [one for one in names if len(telling_words(one[1].name)) > 2]
        long = [one for one in names if len(one[1].name.split()) > 2]
        aliases = [(e, n) for e, n in names if normalise(n.name) != normalise(e.name)]
        row, found = partial(self._row, count), self._is_found
        rows = [
            row("exact name or alias", "100 %", names, is_found=found),
            row("one typo", "90 %", names, self.mistype, is_found=found),
            row("one typo, no weak alias", "", strong, self.mistype, is_found=found),
            row("one telling word of three dropped", "95 %", telling, self.drop, is_found=found),
            row("any word of three dropped", "", long, self.drop_any, is_found=found),
            row("alias that is not indexed", "55 %", aliases, is_found=self._is_found_otherwise),
        ]
        note = (
            "Found: among the records of fuzzy_search=1; for an alias that is not indexed: by the"
            " other names of its entry. A telling word is no particle, title, legal form or"
            " business word."
        )
        return Table(
            "quality: listed names found again", ["", "wanted", "found", "of"], rows, [note]
        )

    def flagged(self, count: int) -> Table:
        """Ask for people who are on no list."""
        rows = []
        for title, people in self._clean(count):
            hits = [self._flags(person) for person in people]
            by_name = sum(bool(one) for one in hits) / len(people)
            by_year = sum(any(one) for one in hits) / len(people)
            rows.append([title, f"{by_name:.2%}", f"{by_year:.2%}", f"{len(people):,}"])
        rows.insert(0, ["wanted", "0.50%", "0.10%", ""])
        note = (
            f"Flagged: a record of fuzzy_search=1 scores {CUT} or more; with the date of birth: and"
            " its dates do not contradict."
        )
        head = ["", "by name", "with date of birth", "people"]
        return Table("quality: clean people flagged", head, rows, [note])

    def speed(self, folder: Path) -> Table:
        """Tell how long all these searches took."""
        cuts = quantiles(self._seconds, n=20)
        names = len(self._version.people) + len(self._version.others)
        lists = "the sample: no real lists are at hand" if is_sample(folder) else "the real lists"
        row = ["search", f"{cuts[9] * 1e3:.2f}", f"{cuts[18] * 1e3:.2f}", f"{len(self._seconds):,}"]
        head = ["", "p50 ms", "p95 ms", "searches"]
        return Table("quality: time", head, [row], [f"One thread, {names:,} names of {lists}."])

    def _row(
        self,
        count: int,
        title: str,
        wanted: str,
        names: list[tuple[Listed, ListedName]],
        change: Callable[[str], str] = str,
        *,
        is_found: Callable[[Case], bool],
    ) -> list[str]:
        chosen = self._dice.sample(names, min(count, len(names)))
        cases = [Case(change(name.name), entry, name) for entry, name in chosen]
        share = sum(map(is_found, cases)) / len(cases)
        return [title, wanted, f"{share:.1%}", f"{len(cases):,}"]

    def _search(self, name: str, *, people: bool, others: bool) -> list[Listed]:
        began = time.perf_counter()
        question = Question(name=name, people=people, others=others, cut=CUT)
        hits = question.answer([self._version])
        self._seconds.append(time.perf_counter() - began)
        return [hit.entry for hit in hits]

    def _is_found(self, case: Case) -> bool:
        is_person = case.entry.entity_type == INDIVIDUAL
        return case.entry in self._search(case.asked, people=is_person, others=not is_person)

    def _is_found_otherwise(self, case: Case) -> bool:
        """Tell whether an entry would be found if this one of its names were not indexed."""
        same = normalise(case.listed.name)
        found = best(case.asked, (n for n in case.entry.names() if normalise(n.name) != same))
        return found is not None and found[1].score >= CUT

    def _flags(self, person: Person) -> list[bool]:
        """Tell of each record that flags a person whether its dates of birth allow it."""
        return [
            compare_dates(person.born, entry.dates_of_birth) is not Agreement.CONTRADICTS
            for entry in self._search(person.name, people=True, others=False)
            if (found := best(person.name, entry.names())) and found[1].score >= CUT
        ]

    def _clean(self, count: int) -> Iterator[tuple[str, list[Person]]]:
        title = "legislators" if LEGISLATORS.exists() else "invented members"
        rows = list(csv.DictReader(_members()))
        names = [(row["name"], row["surname"]) for row in rows]
        listed = [e.name.split() for e in self._entries if e.entity_type == INDIVIDUAL]
        ends = [(words[0], words[-1]) for words in listed]
        yield (
            title,
            [
                Person(" ".join(name), date.fromisoformat(row["birthDate"]))
                for name, row in zip(names, rows, strict=True)
            ],
        )
        yield "their names recombined", self._recombined(names, 2 * count)
        yield "listed people's names recombined", self._recombined(ends, count)

    def _recombined(self, names: list[tuple[str, str]], count: int) -> list[Person]:
        dice = self._dice
        return [
            Person(
                f"{dice.choice(names)[0]} {dice.choice(names)[1]}",
                date(dice.randint(1935, 2006), dice.randint(1, 12), dice.randint(1, 28)),
            )
            for _ in range(count)
        ]

    def mistype(self, name: str) -> str:
        """Leave one letter out, put one in, take another, or swap two of a word."""
        dice = self._dice
        at = dice.choice([at for at, letter in enumerate(name) if letter.isalpha()] or [0])
        before, letter, after = name[:at], name[at], name[at + 1 :]
        ways = [before + after, before + dice.choice(_LETTERS) + letter + after]
        ways += [before + dice.choice(_LETTERS) + after]
        if after[:1].isalpha():
            ways.append(before + after[0] + letter + after[1:])
        return dice.choice(ways)

    def drop(self, name: str) -> str:
        """Leave out one word that says something."""
        return self._without(name, telling_words(name))

    def drop_any(self, name: str) -> str:
        """Leave out one word."""
        return self._without(name, name.split())

    def _without(self, name: str, words: list[str]) -> str:
        left = name.split()
        left.remove(self._dice.choice(words))
        return " ".join(left)


def _members() -> list[str]:
    """Return the lines of a file of members who are on no list."""
    if LEGISLATORS.exists():
        return LEGISLATORS.read_text().splitlines()
    return [line.decode() for line in (HEADER, *member_rows(500))]


def telling_words(name: str) -> list[str]:
    """Return the words of a name without which it is another name."""
    return [
        word for word in name.split() if sum(one.weight for one in tokens(word)) >= TELLING_WORD
    ]
