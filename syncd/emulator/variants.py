"""Switches for facts about the vendors that are not proved; a client must survive every value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Variants:
    """One field per unproved fact (see facts.json); the default is the likeliest."""

    salesforce_412_body: Literal["array", "empty"] = "array"
    hubspot_missing_record: Literal["html", "json"] = "html"
    hubspot_not_found_key: Literal["ids", "id"] = "ids"
    hubspot_to_object_id: Literal["by_version", "number", "string"] = "by_version"
    hubspot_no_associations: Literal["omit", "error"] = "omit"
