"""Tools that move data, as they are, with only the address of the CRM turned to the emulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .conftest import ACCOUNTS, COMPANIES, HERE, ROOT, Site, lines, run

START = "2020-01-01T00:00:00Z"


def tap(name: str) -> tuple[str, str]:
    """The interpreter of a tap's own environment, and what turns its address."""
    return str(ROOT / f".venv-{name}/bin/python"), str(HERE / f"singer/{name.replace('-', '_')}_here.py")


def select(folder: Path, catalog: dict[str, Any], *streams: str) -> str:
    """A catalog in which these streams are chosen with all their fields."""
    for stream in catalog["streams"]:
        chosen = stream["tap_stream_id"] in streams
        for item in stream["metadata"]:
            if item["breadcrumb"] == [] or item["metadata"].get("inclusion") == "available":
                item["metadata"]["selected"] = chosen
        stream["schema"]["selected"] = chosen
    path = folder / "catalog.json"
    path.write_text(json.dumps(catalog))
    return str(path)


def records(printed: str, stream: str) -> list[dict[str, Any]]:
    return [one["record"] for one in lines(printed) if one["type"] == "RECORD" and one["stream"] == stream]


def test_tap_salesforce_reads_every_account(site: Site, tmp_path: Path) -> None:
    org = site.endpoints["salesforce"]
    config = {
        "client_id": org["client_id"], "client_secret": org["client_secret"], "refresh_token": org["refresh_token"],
        "start_date": START, "api_type": "REST", "select_fields_by_default": True,
    }  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    python, script = tap("tap-salesforce")
    catalog = json.loads(run(python, script, org["base_url"], "--config", str(path), "--discover"))
    assert {"Account", "Opportunity", "User"} <= {stream["tap_stream_id"] for stream in catalog["streams"]}
    chosen = select(tmp_path, catalog, "Account")
    read = records(run(python, script, org["base_url"], "--config", str(path), "--properties", chosen), "Account")
    assert {one["Name"] for one in read} == {f"Account {n}" for n in range(ACCOUNTS)}
    assert site.troubles("salesforce") == []


def test_tap_hubspot_reads_every_contact(site: Site, tmp_path: Path) -> None:
    portal = site.endpoints["hubspot"]
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"api_key": portal["access_token"], "start_date": START, "client_id": "-"}
                               | {"client_secret": "-", "redirect_uri": "-", "refresh_token": "-"}))  # fmt: skip
    python, script = tap("tap-hubspot")
    email = {"breadcrumb": ["properties", "property_email"], "metadata": {"inclusion": "available"}}
    stream = {
        "stream": "contacts",
        "tap_stream_id": "contacts",
        "schema": {"type": "object", "properties": {"property_email": {"type": ["null", "string"]}}},
        "metadata": [{"breadcrumb": [], "metadata": {"table-key-properties": ["id"]}}, email],
    }  # its own discovery asks for endpoints that the vendor has long given up
    chosen = select(tmp_path, {"streams": [stream]}, "contacts")
    read = records(run(python, script, portal["base_url"], "--config", str(path), "--properties", chosen), "contacts")
    assert {one["property_email"] for one in read} == {f"person{n}@example.com" for n in range(COMPANIES)}
    assert site.troubles("hubspot") == []


def test_dlt_reads_both_crms(site: Site, tmp_path: Path) -> None:
    printed = run(
        str(ROOT / ".venv-dlt/bin/python"), str(HERE / "dlt_here.py"), json.dumps(site.endpoints), str(tmp_path)
    )
    assert json.loads(printed.splitlines()[-1]) == {"account": ACCOUNTS, "companies": COMPANIES}
