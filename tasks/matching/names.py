"""A name as what is compared: lower-case Latin words, what they sound like, what they weigh."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from anyascii import anyascii
from rapidfuzz import process
from rapidfuzz.distance import OSA

from tasks.matching.words import BUSINESS_WORDS, COMMON_NAMES, LEGAL_FORMS, PARTICLES, TITLES

#: Names of more characters or words are cut; no listed name has half as many.
MAX_CHARACTERS = 800
MAX_WORDS = 60

_SILENT = re.compile(r"[`'\u2018\u2019\u02bc\u02bf\u02be]")
_ABBREVIATION = re.compile(r"(?<![a-z0-9])(?:[a-z]\.){2,}[a-z]?(?![a-z0-9])")
_WORD = re.compile(r"[a-z0-9]+")

#: What words of one, two, three and four letters weigh; each further letter adds, to a bound.
_SHORT_WEIGHTS = (0.2, 0.5, 0.7, 0.85)
_LETTER_WEIGHT = 0.1
_MOST_WEIGHT = 1.2
#: How much less a name says that very many people bear.
_COMMON = 0.75
#: Words that weigh no more decide nothing: legal forms, particles and titles.
SAYS_NOTHING = 0.15


class Token(NamedTuple):
    """One word of a name."""

    text: str
    #: How it sounds, roughly: equal for the usual spellings of one name in Latin letters.
    sound: str
    #: How much it says about whom the name belongs to: 0.1 for a legal form, about 1 for a name.
    weight: float


def normalise(name: str) -> str:
    """Write a name of any script in lower-case Latin words, legal forms by their meaning."""
    name = name[:MAX_CHARACTERS].encode("utf-8", "ignore").decode()
    latin = anyascii(unicodedata.normalize("NFKC", name)).casefold()
    latin = _SILENT.sub("", latin)
    latin = _ABBREVIATION.sub(lambda found: found[0].replace(".", ""), latin)
    return " ".join(legal_form(word) for word in _WORD.findall(latin))


#: Legal forms that are long enough to be known with a slip in them.
_LONG = 7
_LONG_FORMS = [word for word in LEGAL_FORMS if len(word) >= _LONG]


@lru_cache(65536)
def legal_form(word: str) -> str:
    """Return what a word means as a legal form, or the word."""
    if word in LEGAL_FORMS or len(word) < _LONG - 1:
        return LEGAL_FORMS.get(word, word)
    near = process.extractOne(word, _LONG_FORMS, scorer=OSA.distance, score_cutoff=1)
    return LEGAL_FORMS[near[0]] if near else word


@lru_cache(16384)
def tokens(name: str) -> tuple[Token, ...]:
    """Return the words of a name in alphabetical order: the order of a name says nothing."""
    return tuple(token(word) for word in sorted(normalise(name).split()[:MAX_WORDS]))


@lru_cache(65536)
def token(word: str) -> Token:
    """Return a normalised word with its sound and its weight."""
    sound = sound_of(word)
    return Token(word, sound, _weight(word, sound))


_SOUNDS = {
    "shch": "s", "tsch": "c", "sch": "s", "tch": "c", "dzh": "j", "sh": "s", "ch": "c", "kh": "h",
    "gh": "g", "dh": "d", "th": "t", "ph": "f", "zh": "j", "dj": "j", "ck": "k", "ts": "s",
    "tz": "s", "q": "k", "c": "k", "x": "ks", "w": "v", "ou": "u", "oo": "u", "o": "u", "ee": "i",
    "ey": "i", "ei": "i", "ay": "i", "ai": "i", "iy": "i", "yi": "i", "ie": "i", "y": "i", "e": "i",
}  # fmt: skip
_SPELLED = re.compile("|".join(_SOUNDS))
_REPEATED = re.compile(r"(.)\1+")


def sound_of(word: str) -> str:
    """Reduce a word to its sounds, so that "Hussein" and "Husayn" are the same."""
    if not word.isalpha():
        return word
    sound = _REPEATED.sub(r"\1", _SPELLED.sub(lambda found: _SOUNDS[found[0]], word))
    return sound.rstrip("h") or sound


_COMMON_SOUNDS = frozenset(sound_of(word) for word in COMMON_NAMES)


def is_common(name: str) -> bool:
    """Tell whether very many people bear a name, be it written as one word or as two."""
    return sound_of(name.replace(" ", "")) in _COMMON_SOUNDS


def _weight(word: str, sound: str) -> float:
    if word in LEGAL_FORMS:
        return 0.1
    if word in PARTICLES or word in TITLES:
        return 0.15
    if any(letter.isdigit() for letter in word):
        return 1.0
    if word in BUSINESS_WORDS:
        return 0.4
    weight = _SHORT_WEIGHTS[min(len(word), 4) - 1] + _LETTER_WEIGHT * max(0, len(word) - 4)
    return min(weight, _MOST_WEIGHT) * (_COMMON if sound in _COMMON_SOUNDS else 1.0)
