"""The names of one list, found by words that sound alike and then aligned."""

from __future__ import annotations

from array import array
from collections import defaultdict
from functools import lru_cache
from heapq import nlargest
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from tasks.matching import alignment
from tasks.matching.alignment import Alignment, align_tokens, weakened
from tasks.matching.names import SAYS_NOTHING, Token, normalise, sound_of, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tasks.providers.watchlists.listed import Listed

#: Sounds that are less alike than this are not looked at.
LEAST_ALIKE = 0.66
#: A slip in a word of no more letters may change its sound beyond that, so it is compared by its
#: letters as well.
LONGEST_COMPARED = 6
#: Longest word that is often written together with its neighbour, as in Al-Hasan; letters.
LONGEST_PARTICLE = 5
#: Names that are aligned in one search at the most.
MOST_ALIGNED = 500
#: How far the estimate by sounds may be below the score; a share of the cut. A name that has one
#: word too many is just possible with an estimate of 0.667.
_SLACK = 0.85
#: The least that a listed word counts which was not asked for, see `tasks.matching.alignment`.
_LISTED_ONLY = 0.4


class Hit(NamedTuple):
    """An entry, and the alignment with the one of its names that fits best."""

    entry: Listed
    alignment: Alignment


class _Name(NamedTuple):
    entry: int
    is_weak: bool
    words: tuple[Token, ...]
    weight: float


class Index:
    """The names of some entries in memory. It never changes, so threads may share it."""

    def __init__(self, entries: Sequence[Listed]) -> None:
        self._entries = entries
        self._names: list[_Name] = []
        #: The numbers of the names that are these words.
        self._same: defaultdict[tuple[Token, ...], list[int]] = defaultdict(list)
        #: The numbers of the names that have a word of this sound.
        self._bearers: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        #: Likewise for two neighbouring words written as one, of which one is short.
        self._joined: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        #: The sounds of short words by their spellings.
        self._short: dict[str, str] = {}
        for number, entry in enumerate(entries):
            for name, is_weak in dict.fromkeys(entry.names()):
                self._add(number, is_weak, name)
        #: Sounds by their length.
        self._sounds: defaultdict[int, list[str]] = defaultdict(list)
        for sound in self._bearers:
            self._sounds[len(sound)].append(sound)
        #: Short spellings by their length.
        self._spellings: defaultdict[int, list[str]] = defaultdict(list)
        for text in self._short:
            self._spellings[len(text)].append(text)
        # The same names are asked for again and again.
        self._alike = lru_cache(16384)(self._find_alike)

    def _add(self, entry: int, is_weak: bool, name: str) -> None:  # noqa: FBT001
        number, words = len(self._names), tokens.__wrapped__(name)
        self._names.append(_Name(entry, is_weak, words, sum(word.weight for word in words)))
        self._same[words].append(number)
        for sound in {word.sound for word in words}:
            self._bearers[sound].append(number)
        self._short |= {
            word.text: word.sound for word in words if len(word.text) <= LONGEST_COMPARED + 1
        }
        for first, second in pairwise(normalise(name).split()):
            if min(len(first), len(second)) <= LONGEST_PARTICLE:
                self._joined[sound_of(first + second)].append(number)

    def __len__(self) -> int:
        return len(self._names)

    def search(self, name: str, cut: float) -> list[Hit]:
        """Return the entries whose best score is at least the cut, the best first."""
        asked = tokens(name)
        return self._aligned(asked, self._candidates(asked, cut), cut)

    def search_exactly(self, name: str) -> list[Hit]:
        """Return the entries that have a name of the same words, in whatever order."""
        asked = tokens(name)
        return self._aligned(asked, self._same.get(asked, ()) if asked else (), 0.0)

    def _aligned(self, asked: Sequence[Token], numbers: Iterable[int], cut: float) -> list[Hit]:
        found: dict[int, Alignment] = {}
        for number in numbers:
            entry, is_weak, words, _ = self._names[number]
            aligned = align_tokens(asked, words)
            if is_weak:
                aligned = weakened(aligned)
            if aligned.score >= cut and (entry not in found or aligned.score > found[entry].score):
                found[entry] = aligned
        hits = [Hit(self._entries[entry], aligned) for entry, aligned in found.items()]
        return sorted(hits, key=lambda hit: -hit.alignment.score)

    def _candidates(self, asked: Sequence[Token], cut: float) -> list[int]:
        """Return the numbers of names that may reach the cut, the likeliest first."""
        matched: defaultdict[int, float] = defaultdict(float)
        for word in asked:
            alike = dict.fromkeys(self._joined.get(word.sound, ()), word.weight)
            for sound, like in self._alike(word):
                worth = like * word.weight
                for number in self._bearers[sound]:
                    if alike.get(number, 0.0) < worth:
                        alike[number] = worth
            for number, worth in alike.items():
                matched[number] += worth
        for first, second in permutations(asked, 2):
            for number in self._bearers.get(sound_of(first.text + second.text), ()):
                matched[number] += first.weight + second.weight
        return self._likeliest(matched, sum(word.weight for word in asked), _SLACK * cut)

    def _likeliest(self, matched: dict[int, float], asked: float, least: float) -> list[int]:
        """Estimate the scores of names by what of them matched, and leave the hopeless out."""
        names = self._names
        estimated = []
        for number, worth in matched.items():
            listed_only = _LISTED_ONLY * max(0.0, names[number].weight - worth)
            estimate = 2 * worth / (asked + worth + listed_only)
            if estimate >= least:
                estimated.append((estimate, number))
        return [number for _, number in nlargest(MOST_ALIGNED, estimated)]

    def _find_alike(self, word: Token) -> list[tuple[str, float]]:
        """Return the sounds of this index that are alike, and how much."""
        sound = word.sound
        if word.weight <= SAYS_NOTHING or sound.isdigit():
            return [(sound, 1.0)] if sound in self._bearers else []
        found = _near(sound, self._sounds, LEAST_ALIKE)
        if len(word.text) <= LONGEST_COMPARED:
            spelled = _near(word.text, self._spellings, alignment.LEAST_ALIKE)
            found += [(self._short[text], like) for text, like in spelled]
        return found


def _near(text: str, by_length: Mapping[int, list[str]], least: float) -> list[tuple[str, float]]:
    """Return those of some texts that are at least so much alike, and how much."""
    found = []
    for length in range(int(len(text) * least), int(len(text) / least) + 2):
        if choices := by_length.get(length):
            found += process.extract(
                text,
                choices,
                scorer=OSA.normalized_similarity,
                score_cutoff=least,
                limit=None,
            )
    return [(other, like) for other, like, _ in found]
