"""Which records of a watchlist concern a subject, and why we think so."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tasks.matching.alignment import CUT, ListedName, best
from tasks.matching.dates import Agreement, compare_dates

if TYPE_CHECKING:
    from datetime import date

    from tasks.clients.watchlist_answers import Record
    from tasks.matching.alignment import Alignment

#: From here on two names are the same but for their spelling.
STRONG = 0.92
#: From here on a name alone, without a date of birth on either side, is as good as an identity.
CERTAIN = 0.97


class Decision(StrEnum):
    """What a hit means."""

    #: The name and what else is known agree.
    MATCH = "match"
    #: Somebody should look at it.
    POSSIBLE = "possible"
    #: The name fits, the date of birth says that it is somebody else.
    DISCOUNTED = "discounted"


#: The decisions that count as a hit of the subject.
CONCERNS = frozenset({Decision.MATCH, Decision.POSSIBLE})


def judge(name: str, date_of_birth: date | None, record: Record) -> dict[str, Any] | None:
    """Return a hit with its explanation, or None where the names are not alike.

    The provider gives no scores (its format has none), so every record is scored here.
    """
    found = best(name, [ListedName(record.name), *record.aliases])
    if found is None:
        return None
    listed, alignment = found
    if alignment.score < CUT:
        return None
    agreement = compare_dates(date_of_birth, record.dates_of_birth)
    return {
        "recordId": record.id,
        "sourceType": record.source_type,
        "source": record.source,
        "sourceId": record.source_id,
        "entityType": record.entity_type,
        "name": record.name,
        "matchedName": listed.name,
        "weakAlias": listed.weak,
        "score": round(alignment.score, 3),
        "alignment": alignment.as_json(),
        "datesOfBirth": list(record.dates_of_birth),
        "dateOfBirth": agreement.name.lower(),
        "decision": _decide(alignment, agreement, weak=listed.weak).value,
        "details": record.details,
    }


def _decide(alignment: Alignment, agreement: Agreement, *, weak: bool) -> Decision:
    if agreement is Agreement.CONTRADICTS:
        return Decision.DISCOUNTED
    enough = STRONG if agreement is Agreement.AGREES else CERTAIN
    return Decision.MATCH if alignment.score >= enough and not weak else Decision.POSSIBLE
