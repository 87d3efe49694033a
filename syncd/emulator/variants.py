"""Switches for facts about the vendors that are not proved; a client must survive every value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints


@dataclass(frozen=True, slots=True)
class Variants:
    """One field per unproved fact (see facts.json); the default is the likeliest."""

    salesforce_412_body: Literal["array", "empty"] = "array"
    salesforce_bulk_numbers: Literal["java", "plain"] = "java"
    salesforce_datetime_fraction: Literal["accepted", "refused"] = "accepted"
    salesforce_id_order: Literal["case_sensitive", "case_insensitive"] = "case_sensitive"
    salesforce_latest_date_covered: Literal["oldest_open", "stuck"] = "oldest_open"
    salesforce_locator: Literal["0r8", "01g"] = "0r8"
    salesforce_master_record: Literal["next", "last"] = "next"
    salesforce_messages: Literal["english", "german"] = "english"
    salesforce_page_size: Literal["full", "by_width"] = "full"
    salesforce_query_all_path: Literal["query", "queryAll"] = "query"
    salesforce_result_pages: Literal["documented", "observed"] = "documented"
    salesforce_access_token: Literal["opaque", "jwt"] = "opaque"
    salesforce_composite_conditions: Literal["honoured", "ignored", "refused"] = "honoured"
    salesforce_identity_refusal: Literal["text_403", "json_401"] = "text_403"
    salesforce_per_app_usage: Literal["absent", "present"] = "absent"
    salesforce_unchanged_save: Literal["silent", "stamps"] = "silent"
    salesforce_unreadable_row: Literal["row", "request"] = "row"
    salesforce_empty_text: Literal["null", "nothing"] = "null"
    salesforce_descending_nulls: Literal["first", "last"] = "first"
    hubspot_missing_record: Literal["html", "json"] = "html"
    hubspot_not_found_key: Literal["ids", "id"] = "ids"
    hubspot_to_object_id: Literal["by_version", "number", "string"] = "by_version"
    hubspot_no_associations: Literal["omit", "error"] = "omit"
    hubspot_retry_after: Literal["absent", "present"] = "absent"
    hubspot_association_calls: Literal["counted", "exempt"] = "counted"
    hubspot_expired_category: Literal["expired", "invalid"] = "expired"
    hubspot_refresh_token: Literal["same", "rotated"] = "same"
    hubspot_merge_id: Literal["new", "primary"] = "new"
    hubspot_merged_in_batches: Literal["survivor", "missing"] = "survivor"
    hubspot_association_bump: Literal["none", "from", "both"] = "none"
    hubspot_invalid_value: Literal["whole", "each"] = "whole"
    hubspot_partial_status: Literal["207", "200_in_2026_09"] = "207"
    hubspot_result_order: Literal["by_id", "shuffled", "request"] = "by_id"
    hubspot_rule_error: Literal["errors", "embedded"] = "errors"
    hubspot_rule_scope: Literal["trigger", "record"] = "trigger"
    hubspot_rule_batch: Literal["each", "whole"] = "each"
    hubspot_required_rules: Literal["listed", "hidden"] = "listed"
    hubspot_in_values: Literal["lower_case", "any_case"] = "lower_case"

    @classmethod
    def told(cls, pairs: Iterable[str]) -> Variants:
        """The usual values but for those told as `name=value`; raises ValueError for others than there are."""
        known = values_of_switches()
        chosen: dict[str, Any] = {}
        for pair in pairs:
            name, _, value = pair.partition("=")
            if name not in known:
                raise ValueError(f"{name!r} is no switch: one of {', '.join(known)}")
            if value not in known[name]:
                raise ValueError(f"{name} cannot be {value!r}: one of {', '.join(known[name])}")
            chosen[name] = value
        return cls(**chosen)


def values_of_switches() -> dict[str, tuple[str, ...]]:
    """Every switch with the values it can have."""
    return {name: get_args(hint) for name, hint in get_type_hints(Variants).items()}
