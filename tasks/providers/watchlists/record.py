"""An entry as Dilisense's wire format has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.providers.watchlists.listed import Listed


def as_record(entry: Listed) -> dict[str, Any]:
    """Return an entry as a found record.

    `source`, `weak_alias_names` and `identifiers` are ours: the hosted provider has none.
    """
    return {
        "id": entry.key,
        "source_type": "SANCTION",
        "source_id": entry.source_id,
        "source": entry.source,
        "entity_type": entry.entity_type,
        "gender": entry.gender or None,
        "name": entry.name,
        "alias_names": [alias.name for alias in entry.aliases if not alias.weak],
        "weak_alias_names": [alias.name for alias in entry.aliases if alias.weak],
        "date_of_birth": list(entry.dates_of_birth),
        "place_of_birth": list(entry.places_of_birth),
        "citizenship": list(entry.citizenship),
        "positions": list(entry.positions),
        "address": list(entry.addresses),
        "identifiers": list(entry.identifiers),
        "sanction_details": list(entry.sanction_details),
        "list_date": entry.list_date or None,
        "links": list(entry.links),
        "other_information": list(entry.remarks),
    }
