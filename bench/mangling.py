"""Names as people write them: with a slip, with a word less, or made of other people's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.matching.names import tokens

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

#: Weight from which a word says something, so that a name without it is another name.
TELLING_WORD = 0.5
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(name: str) -> int:
    """Return how many words a name has, whatever they say."""
    return len(name.split())


def mistype(dice: random.Random, name: str) -> str:
    """Leave one letter out, put one in, take another, or swap two of a word."""
    at = dice.choice([at for at, letter in enumerate(name) if letter.isalpha()] or [0])
    before, letter, after = name[:at], name[at], name[at + 1 :]
    ways = [before + after, before + dice.choice(_LETTERS) + letter + after]
    ways += [before + dice.choice(_LETTERS) + after]
    if after[:1].isalpha():
        ways.append(before + after[0] + letter + after[1:])
    return dice.choice(ways)


def leave_one_out(dice: random.Random, name: str) -> str:
    """Leave out one word, whichever it is."""
    left = name.split()
    left.pop(dice.randrange(len(left)))
    return " ".join(left)


def rename(dice: random.Random, name: str, others: Sequence[str]) -> str:
    """Put others in the place of all words that say something."""
    return " ".join(dice.choice(others) if is_telling(word) else word for word in name.split())


def is_telling(word: str) -> bool:
    """Tell whether a name without this word is another name: it is no legal form or the like."""
    return sum(one.weight for one in tokens(word)) >= TELLING_WORD
