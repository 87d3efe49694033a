"""Bodies of the wrong shape are refused as a parser refuses them; none breaks the portal."""

from __future__ import annotations

import random
from typing import Any

import pytest

from .conftest import Served

WRONG: list[tuple[str, str, Any]] = [
    ("POST", "companies", []), ("POST", "companies", {"properties": ["name"]}),
    ("POST", "companies", {"properties": {"name": {"nested": 1}}}),
    ("POST", "deals", {"properties": {}, "associations": [{"to": "101", "types": []}]}),
    ("POST", "deals", {"properties": {}, "associations": [{"to": {"id": "1"}, "types": [{"associationTypeId": "x"}]}]}),
    ("POST", "companies/batch/update", {"inputs": {}}), ("POST", "companies/batch/update", {"inputs": ["101"]}),
    ("POST", "companies/batch/read", {"inputs": [{"id": ["101"]}]}),
    ("POST", "companies/batch/read", {"inputs": [], "properties": "name"}),
    ("POST", "companies/search", {"filterGroups": [{"filters": {"propertyName": "name"}}]}),
    ("POST", "companies/search", {"filterGroups": [{"filters": [{"propertyName": "name", "operator": ["EQ"]}]}]}),
    ("POST", "/crm/associations/2026-09/deals/companies/batch/read", {"inputs": [{"id": "302", "after": "x"}]}),
    ("POST", "/crm/properties/2026-09/companies", {"name": "a", "options": {"a": 1}}),
    ("POST", "/crm/pipelines/2026-09/deals", {"label": "L", "stages": {"label": "S"}}),
    ("PUT", "deals/302/associations/companies/101", {"associationTypeId": 341}),
    ("POST", "/crm-object-schemas/2026-09/schemas", {"name": "n", "labels": "L", "properties": []}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), WRONG)
def test_hs_malformed_bodies_are_400(shared: Served, method: str, path: str, body: Any) -> None:
    answer = shared.hs(method, path, json=body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["message"].startswith("Invalid input JSON")
    assert shared.emu.changes == []


PATHS = [
    "companies", "companies/search", "companies/merge", "contacts/gdpr-delete", "deals/batch/create",
    "deals/batch/update", "deals/batch/upsert", "deals/batch/read", "deals/batch/archive",
    "/crm/associations/2026-09/deals/companies/batch/create", "/crm/associations/2026-09/deals/companies/batch/archive",
    "/crm/v3/associations/deals/companies/batch/create", "/crm/v4/associations/deals/companies/labels",
    "/crm/properties/2026-09/deals", "/crm/properties/2026-09/deals/batch/create",
    "/crm/properties/2026-09/deals/groups", "/crm/pipelines/2026-09/deals",
    "/crm/pipelines/2026-09/deals/default/stages",
    "/crm-object-schemas/2026-09/schemas", "/settings/currencies/2026-09/exchange-rates",
    "/settings/currencies/2026-09/exchange-rates/batch/create", "/app-webhooks/2026-09/8675309/subscriptions",
]  # fmt: skip
ATOMS: list[Any] = [None, True, 0, -1, 1.5, "", "x", "101", [], {}, {"id": "101"}]
KEYS = [
    "inputs", "properties", "id", "idProperty", "from", "to", "types", "type", "associationTypeId", "name", "label",
    "fieldType", "groupName", "options", "stages", "metadata", "probability", "associations", "filterGroups", "filters",
    "propertyName", "operator", "value", "values", "sorts", "limit", "after", "query", "primaryObjectId",
    "objectIdToMerge", "objectId", "conversionRate", "fromCurrencyCode", "effectiveAt", "labels", "eventType",
]  # fmt: skip


def anything(source: random.Random, depth: int = 0) -> Any:
    """A value of JSON that may or may not make sense."""
    drawn = source.random()
    if depth > 3 or drawn < 0.25:
        return source.choice(ATOMS)
    if drawn < 0.45:
        return [anything(source, depth + 1) for _ in range(source.randint(0, 3))]
    return {source.choice(KEYS): anything(source, depth + 1) for _ in range(source.randint(0, 6))}


@pytest.mark.parametrize("seed", range(4))
def test_no_body_breaks_the_portal(fresh: Served, seed: int) -> None:
    source = random.Random(seed)
    for path in PATHS:
        for _ in range(12):
            body = {"inputs": [anything(source, 1)]} if source.random() < 0.4 else anything(source)
            answer = fresh.hs.post(path, body if body is not None else {})
            assert answer.status_code < 500, (path, body, answer.text)
