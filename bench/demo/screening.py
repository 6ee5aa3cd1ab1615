"""Screening: a company with a listed person behind it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.demo.guide import DemoFailed, heading
from config.stack import lists_folder
from tasks.providers.watchlists.un import read_un

if TYPE_CHECKING:
    from bench.demo.guide import Guide

#: Somebody whom no list knows.
_CLEAN_PERSON = {
    "name": "Wilhelmina Quibblethwaite",
    "dateOfBirth": "1980-05-17",
    "role": "director",
}
_DAY = re.compile(r"\d\d/\d\d/\d{4}")


def show_screening(guide: Guide) -> None:
    """Screen a company with a listed person behind it, and ask again while that runs."""
    folder = Path(guide.stack.environment.get("LISTS_FOLDER") or lists_folder())
    name, born = listed_person(folder)
    heading(f"Screening: a company behind which {name}, who is on a sanctions list, may stand")
    people = [{"name": name, "dateOfBirth": born, "role": "director"}, _CLEAN_PERSON]
    company = {"name": "Example Holdings Ltd", "stakeholders": [*people, *_invented_people(60)]}
    made = guide.api.post("/v5/verifications", json=company).json()
    path = f"/v5/verifications/{made['trace']}"
    print(f"\n  POST /v5/verifications\n  risk before: {made['data']['risk']}")
    job = guide.show("POST", f"{path}/watchlist")["data"]["jobId"]
    refused: dict[str, Any] = {}

    def read(data: dict[str, Any]) -> tuple[int, bool]:
        status = data["data"]["result"]["status"]
        if status == "running" and not refused:
            print(f"\n\n  GET {path}/jobs/watchlist/{job}\n  {json.dumps(data['data'])}")
            refused.update(guide.show("POST", f"{path}/watchlist", is_refused=True))
        is_over = status not in {"pending", "running"}
        return (100 if is_over else 50), is_over

    guide.watch(lambda: guide.get(f"{path}/jobs/watchlist/{job}"), read)
    if (refused.get("error") or {}).get("conflictingJobId") != job:
        raise DemoFailed(f"a second dispatch was not refused because of {job}: {refused}")
    guide.show("GET", f"{path}/jobs/watchlist/{job}")
    _show_findings(guide, path)


def _show_findings(guide: Guide, path: str) -> None:
    """Print what was found of the first two stakeholders, and the risk that follows."""
    found = guide.get(path)["data"]
    for one in found["stakeholders"][:2]:
        document = guide.get(f"{path}/stakeholders/{one['id']}/watchlist/latest")["data"]
        print(f"\n  {one['name']}: {document['totalHits']} hits, risk {one['risk']['level']}")
        for hit in document["hits"][:1]:
            print(f"  {json.dumps(hit, ensure_ascii=False)[:900]}")
    risk = found["risk"]
    print(f"\n  risk after: {risk['level']}, {risk['score']} of 100, lists of")
    print(f"  {[s['name'] + ' ' + s['as_of'] for s in document['sourceVersions']]}")
    if risk["level"] != "prohibited" or found["stakeholders"][1]["risk"]["level"] != "low":
        raise DemoFailed(f"the listed person or the clean one was taken for the other: {risk}")


def listed_person(folder: Path) -> tuple[str, str]:
    """Return the name and the date of birth of somebody on the UN's list in a folder."""
    entries, _ = read_un((folder / "un" / "consolidated.xml").read_bytes())
    for entry in entries:
        for born in entry.dates_of_birth:
            if entry.entity_type == "INDIVIDUAL" and _DAY.fullmatch(born):
                return entry.name, "-".join(reversed(born.split("/")))
    raise DemoFailed(f"nobody in {folder} has a date of birth")


def _invented_people(count: int) -> list[dict[str, str]]:
    """Return people with names that nobody has."""
    sounds = [first + last for first in ("Bra", "Qui", "Wel", "Zo") for last in ("bnik", "ffle")]
    return [
        {"name": f"{sounds[n % 8]}{n} {sounds[n // 8 % 8]}sworth", "role": "shareholder"}
        for n in range(count)
    ]
