"""The JavaScript clients of both vendors, unmodified, over http."""

from __future__ import annotations

import json

from .conftest import ACCOUNTS, COMPANIES, HERE, Site, run


def test_jsforce_does_not_notice_the_difference(site: Site) -> None:
    seen = json.loads(run("node", str(HERE / "js/salesforce.mjs"), json.dumps(site.endpoints["salesforce"])))
    assert seen["identity"]["organization_id"] == site.endpoints["salesforce"]["organization_id"]
    assert seen["versions"][0] == "31.0"
    assert seen["versions"][-1] == "68.0"
    assert seen["created"] == seen["updated"] == seen["destroyed"] == [True, True]
    assert seen["retrieved"] == ["Retail", "Retail"]
    assert seen["refused"] == [["REQUIRED_FIELD_MISSING"]]
    assert seen["first"] == {"total": ACCOUNTS + 2, "rows": 2000, "done": False}
    assert seen["rows"] == seen["bulk"] == ACCOUNTS + 2
    assert seen["count"] == seen["deleted"] == 2
    assert seen["described"] == {"name": "Account", "name_length": 255}
    assert seen["global"] is True
    assert seen["limits"] >= 15_000
    assert seen["error"] == "INVALID_FIELD"
    assert seen["ingested"] == {"ok": 2, "failed": 0}
    assert site.troubles("salesforce") == []


def test_the_vendors_client_does_not_notice_the_difference(site: Site) -> None:
    seen = json.loads(run("node", str(HERE / "js/hubspot.mjs"), json.dumps(site.endpoints["hubspot"])))
    assert seen["created"] == "Made by the JavaScript client"
    assert seen["batch"] == 3
    assert seen["read"] == "Leeds"
    assert seen["updated"] == ["York"] * 3
    assert seen["all"] == COMPANIES + 4
    assert seen["search"] == {"total": 3, "rows": 2, "after": "2"}
    assert seen["linked"] == [True]
    assert seen["owners"] is seen["properties"] is seen["pipelines"] is True
    assert seen["refused"] == {"code": 400, "category": "VALIDATION_ERROR"}
    assert seen["missing"] == 404
    assert seen["archived"] == [True]
    assert site.troubles("hubspot") == []
