"""Names laid beside each other word by word; the alignment is the explanation of its score.

No weight comes from a list: the same two names have the same score whoever lists them, and whatever
else is on the list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING, Any, NamedTuple

from rapidfuzz.distance import OSA

from tasks.matching.names import SAYS_NOTHING, Token, is_common, tokens
from tasks.matching.words import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Scores at or above it are possible matches.
CUT = 0.78
#: Words that are less alike than this are different words.
LEAST_ALIKE = 0.7
#: How alike words are that are spelled differently and sound the same.
SOUNDS_ALIKE = 0.95
#: Sounds shorter than this are alike only when they are the same.
SHORT_SOUND = 5
#: Two words are one word of the other name when they are joined this well.
JOINED_ALIKE = 0.85
#: Shortest word that may be two words of the other name; letters.
SHORTEST_JOINED = 5

#: What a weak alias counts for when it is all of the asked name and says something, or else.
WEAK, WEAKEST = 0.9, 0.8
#: The weight from which a match says something: about one name that few people bear.
TELLING = 1.0

#: People are asked for by fewer names than are listed. How much a listed word that was not asked
#: for counts, when what matched weighs little (a common name), and when it weighs a lot.
_LISTED_ONLY_COUNTS = (1.15, 0.4)
_MATCHED_LITTLE, _MATCHED_LOT = 1.3, 2.0
#: What names score at least that are the same but for one word: just above `CUT`, and with a slip
#: besides below it.
JUST_POSSIBLE = 0.784
#: Where a listed name was asked for without one of its words, two that are left are enough if they
#: weigh this without the common names among them, or `_MATCHED_LITTLE` with them. Where one is
#: left, or one was asked for besides, the rest has to be telling without its common names.
_ENOUGH_RARE = 0.6


class ListedName(NamedTuple):
    """A name or an alias on a list."""

    name: str
    #: The list itself calls it a nickname or a common word.
    weak: bool = False


class Pair(NamedTuple):
    """A word that was asked for, and the listed word that it was taken for."""

    asked: str
    listed: str
    #: From `LEAST_ALIKE` to 1.
    similarity: float
    #: How much the commoner of the two says.
    weight: float


@dataclass(frozen=True)
class Alignment:
    """How two names fit, from 0 to 1, and why."""

    score: float
    pairs: tuple[Pair, ...] = ()
    #: Words that have no counterpart.
    asked_only: tuple[str, ...] = ()
    listed_only: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what a screening document shows."""
        return {
            "score": round(self.score, 3),
            "pairs": [
                {**pair._asdict(), "similarity": round(pair.similarity, 3), "weight": weight}
                for pair in self.pairs
                for weight in [round(pair.weight, 3)]
            ],
            "askedOnly": list(self.asked_only),
            "listedOnly": list(self.listed_only),
        }


def align(asked: str, listed: str) -> Alignment:
    """Align two names, whatever their script and the order of their words."""
    return align_tokens(tokens(asked), tokens(listed))


def best(asked: str, names: Iterable[ListedName]) -> tuple[ListedName, Alignment] | None:
    """Return the listed name that fits best, the first of equals; None when there are no names.

    The score of a weak alias is lowered.
    """
    words = tokens(asked)
    aligned = [
        (name, weakened(found) if name.weak else found)
        for name in names
        for found in [align_tokens(words, tokens(name.name))]
    ]
    return max(aligned, key=lambda one: one[1].score, default=None)


def weakened(alignment: Alignment) -> Alignment:
    """Lower the score of an alignment with a weak alias: such names are many people's.

    It clears nobody, though: where the alias says something and nothing else was asked for, what
    was possible stays just possible.
    """
    says = sum(pair.weight for pair in alignment.pairs)
    if alignment.asked_only or says < TELLING:
        return replace(alignment, score=alignment.score * WEAKEST)
    least = JUST_POSSIBLE if alignment.score >= JUST_POSSIBLE else 0.0
    return replace(alignment, score=max(least, alignment.score * WEAK))


def align_tokens(asked: Sequence[Token], listed: Sequence[Token]) -> Alignment:
    """Align two names that have been taken apart by `tokens`."""
    left, right = list(asked), list(listed)
    pairs = _same(left, right)
    if left and right:
        pairs += _joined(left, right)
        pairs += [
            pair._replace(asked=pair.listed, listed=pair.asked) for pair in _joined(right, left)
        ]
        pairs += _alike(left, right)
    return Alignment(
        _score(pairs, left, right),
        tuple(pairs),
        tuple(one.text for one in left),
        tuple(one.text for one in right),
    )


def _score(pairs: list[Pair], left: list[Token], right: list[Token]) -> float:
    """Weigh what matched against everything; a pair stands for two words."""
    said = sum(pair.weight for pair in pairs)
    matched = sum(pair.weight * pair.similarity for pair in pairs)
    high, low = _LISTED_ONLY_COUNTS
    share = (said - _MATCHED_LITTLE) / (_MATCHED_LOT - _MATCHED_LITTLE)
    counts = high - (high - low) * min(1.0, max(0.0, share))
    asked_only = sum(one.weight for one in left)
    listed_only = counts * sum(one.weight for one in right)
    everything = 2 * said + asked_only + listed_only
    score = min(1.0, 2 * matched / everything) if everything else 0.0
    if _differ_by_one(pairs, left, right):
        return max(score, JUST_POSSIBLE * (1.0 if _sound_the_same(pairs) else matched / said))
    return score


def _sound_the_same(pairs: list[Pair]) -> bool:
    return all(pair.similarity >= SOUNDS_ALIKE for pair in pairs)


def _differ_by_one(pairs: list[Pair], left: list[Token], right: list[Token]) -> bool:
    """Tell whether one name is the other but for one word, and enough of them is the same."""
    more = sum(one.text not in TITLES for one in left)
    less = sum(one.weight > SAYS_NOTHING for one in right)
    if more + less > 1:
        return False
    said = sum(pair.weight for pair in pairs)
    rare = sum(pair.weight for pair in pairs if not is_common(pair.asked))
    if more or len(pairs) == 1:
        return rare >= TELLING and more < sum(pair.weight > SAYS_NOTHING for pair in pairs)
    return rare >= _ENOUGH_RARE or said >= _MATCHED_LITTLE


def _same(left: list[Token], right: list[Token]) -> list[Pair]:
    """Take the words out of both names that are the same."""
    pairs = []
    for one in tuple(left):
        if one in right:
            left.remove(one)
            right.remove(one)
            pairs.append(Pair(one.text, one.text, 1.0, one.weight))
    return pairs


def _alike(left: list[Token], right: list[Token]) -> list[Pair]:
    """Take out words that are alike, the most alike first."""
    found = sorted(
        ((like, a, b) for a in left for b in right if (like := similarity(a, b)) >= LEAST_ALIKE),
        reverse=True,
    )
    pairs = []
    for like, a, b in found:
        if a in left and b in right:
            left.remove(a)
            right.remove(b)
            pairs.append(Pair(a.text, b.text, like, min(a.weight, b.weight)))
    return pairs


def similarity(a: Token, b: Token) -> float:
    """Tell how alike two words are: by their letters, or by their sounds if that is more.

    Numbers are never alike: EP-301 and EP-302 are different aircraft.
    """
    if a.text == b.text:
        return 1.0
    if not (a.text.isalpha() and b.text.isalpha()):
        digits = _digits(a.text)
        is_alike = digits == _digits(b.text) and len(digits) < len(a.text)
        return OSA.normalized_similarity(a.text, b.text) if is_alike else 0.0
    spelled = OSA.normalized_similarity(a.text, b.text)
    if a.sound == b.sound:
        return max(spelled, SOUNDS_ALIKE) if len(a.sound) > 1 else spelled
    if min(len(a.sound), len(b.sound)) < SHORT_SOUND:
        return spelled
    return max(spelled, SOUNDS_ALIKE * OSA.normalized_similarity(a.sound, b.sound))


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _joined(parts: list[Token], whole: list[Token]) -> list[Pair]:
    """Take out words of one name that are two words of the other: "Abdulrahman", "Abdul Rahman"."""
    pairs = []
    for one in [one for one in whole if len(one.text) >= SHORTEST_JOINED]:
        halves = [
            (like, a, b)
            for a, b in permutations(parts, 2)
            if abs(len(a.text) + len(b.text) - len(one.text)) <= 1
            and (like := OSA.normalized_similarity(a.text + b.text, one.text)) >= JOINED_ALIKE
        ]
        if halves:
            like, a, b = max(halves)
            parts.remove(a)
            parts.remove(b)
            whole.remove(one)
            weight = min(a.weight + b.weight, one.weight)
            pairs.append(Pair(f"{a.text} {b.text}", one.text, like, weight))
    return pairs
