"""The risk of a verification: factors that add up, one table of weights, never lowered by chance.

Every subject has a score from 0 to 100; the verification has the highest of them, each weighed by
the role of its subject. What could not be screened counts as what was known of it before.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tasks.records.verifications import ENTITY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.records.screenings import KeptRisk, Screening
    from tasks.records.verifications import Verification

#: Named in every risk, so that one can tell by which table it was calculated.
VERSION = "2026-11"

WEIGHTS: Mapping[str, int] = {
    "sanctions_match": 75,
    "possible_match": 35,
    "criminal_match": 40,
    "pep_match": 40,
    "high_risk_country": 20,
    "medium_risk_country": 10,
    "screening_incomplete": 10,
    "ownership_layers": 10,
    "unidentified_owner": 20,
}
#: How far a subject's score is the verification's. All other roles, those that nobody knows among
#: them, count in full.
ROLE_WEIGHTS: Mapping[str, float] = {
    "beneficiary": 0.9,
    "authorised-representative": 0.9,
    "secretary": 0.8,
}
#: The most layers of companies above an entity that are nothing unusual.
USUAL_LAYERS = 2

#: FATF's call for action and its list of increased monitoring, as published in October 2025.
HIGH_RISK_COUNTRIES = frozenset({"IR", "KP", "MM"})
MEDIUM_RISK_COUNTRIES = frozenset(
    {"AO", "BG", "BO", "CD", "CI", "CM", "DZ", "HT", "KE", "LA"}
    | {"LB", "MC", "NA", "NP", "SS", "SY", "VE", "VG", "VN", "YE"}
)

#: The least score of each level, highest first.
LEVELS = (("prohibited", 75), ("high", 51), ("medium", 26), ("low", 0))

_OF_SOURCE = {
    "SANCTION": "sanctions_match",
    "CRIMINAL": "criminal_match",
    "PEP": "pep_match",
}


@dataclass(frozen=True, kw_only=True)
class Factor:
    """Something that adds to a score, and what it rests on."""

    code: str
    weight: int
    #: Records of a watchlist, or a country.
    because: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SubjectRisk:
    """The risk of one subject."""

    subject: str
    role: str
    score: int
    level: str
    factors: tuple[Factor, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Risk:
    """The risk of a verification."""

    score: int
    level: str
    complete: bool
    subjects: tuple[SubjectRisk, ...]
    documents: tuple[str, ...]
    version: str = VERSION


def level_of(score: int) -> str:
    """Return the level that a score belongs to."""
    return next(level for level, least in LEVELS if score >= least)


def assess(
    verification: Verification,
    run: Mapping[str, Screening],
    earlier: Mapping[str, Screening],
    before: KeptRisk | None,
) -> Risk:
    """Calculate the risk from the documents of a run.

    `earlier` has the newest document with an answer that each subject had before the run: where
    the run has none, that one still holds. An incomplete run never lowers the score, and what was
    never screened is at least a medium risk: unknown is not clear.
    """
    complete = {s: found for s, found in run.items() if _is_complete(found, earlier.get(s))}
    known = {**earlier, **{s: found for s, found in run.items() if found.is_known}}
    subjects = [_assess_entity(verification, complete, known)]
    for one in verification.stakeholders:
        factors = _of_watchlists(one.id, complete, known) + _of_country(one.country)
        subjects.append(_subject(one.id, one.role, factors))
    score = max(round(s.score * role_weight(s.role)) for s in subjects)
    if not all(subject.subject in known for subject in subjects):
        score = max(score, dict(LEVELS)["medium"])
    is_complete = len(complete) == len(subjects)
    if not is_complete and before is not None:
        score = max(score, before.score)
    used = [known.get(s.subject) or run.get(s.subject) for s in subjects]
    return Risk(
        score=score,
        level=level_of(score),
        complete=is_complete,
        subjects=tuple(subjects),
        documents=tuple(document.id for document in used if document),
    )


def role_weight(role: str) -> float:
    """Return how far the score of a subject in a role counts, however the role is spelled."""
    return ROLE_WEIGHTS.get(re.sub(r"[\s_-]+", "-", role.strip().lower()), 1.0)


def _is_complete(found: Screening, earlier: Screening | None) -> bool:
    """Tell whether a document has an answer, out of every list that was searched before."""
    searched = {source["name"] for source in found.sources}
    return found.is_known and (
        earlier is None or {source["name"] for source in earlier.sources} <= searched
    )


def _assess_entity(
    verification: Verification, complete: Mapping[str, Screening], known: Mapping[str, Screening]
) -> SubjectRisk:
    factors = _of_watchlists(ENTITY, complete, known) + _of_country(verification.country)
    if verification.ownership_layers > USUAL_LAYERS:
        factors.append(_factor("ownership_layers"))
    if not verification.owners_identified:
        factors.append(_factor("unidentified_owner"))
    return _subject(ENTITY, ENTITY, factors)


def _subject(subject: str, role: str, factors: Sequence[Factor]) -> SubjectRisk:
    score = min(100, sum(factor.weight for factor in factors))
    return SubjectRisk(
        subject=subject, role=role, score=score, level=level_of(score), factors=tuple(factors)
    )


def _of_watchlists(
    subject: str, complete: Mapping[str, Screening], known: Mapping[str, Screening]
) -> list[Factor]:
    """Return the factors that a subject's documents give, each at the most once."""
    records: dict[str, list[str]] = {}
    for hit in known[subject].hits if subject in known else ():
        code = _code(hit)
        if code:
            records.setdefault(code, []).append(str(hit["recordId"]))
    # A possible match beside a certain one adds nothing.
    if "sanctions_match" in records:
        records.pop("possible_match", None)
    factors = [_factor(code, *because) for code, because in records.items()]
    if subject not in complete:
        factors.append(_factor("screening_incomplete"))
    return factors


def _code(hit: Mapping[str, Any]) -> str | None:
    if hit["decision"] == "match":
        return _OF_SOURCE.get(hit["sourceType"], "possible_match")
    return "possible_match" if hit["decision"] == "possible" else None


def _of_country(country: str) -> list[Factor]:
    if country in HIGH_RISK_COUNTRIES:
        return [_factor("high_risk_country", country)]
    return [_factor("medium_risk_country", country)] if country in MEDIUM_RISK_COUNTRIES else []


def _factor(code: str, *because: str) -> Factor:
    return Factor(code=code, weight=WEIGHTS[code], because=because)
