"""Writes the configuration of a demo: the shipped examples, pointed at two emulators."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import syncd
from syncd.demo.universe import Summary


def shipped_config() -> Path:
    """The folder of example files: in a wheel beside this module, in a checkout at its top."""
    packaged = Path(str(resources.files("syncd.demo"))) / "config"
    return packaged if packaged.is_dir() else Path(syncd.__file__).parent.parent / "config"


def write_config(
    folder: Path,
    endpoints: Mapping[str, Any],
    summary: Summary,
    *,
    database: str = "sqlite:///syncd.db",
    mode: str = "live",
    ownership: str = "enforce",
    hubspot_token: str = "access_token",  # noqa: S107 - a key of the emulator's line, not a token
    settle_writes_after: str = "10m",
) -> Path:
    """Write syncd.yaml, policy.yaml, mappings and secret files into `folder`; returns the settings file.

    `endpoints` is the JSON line of `syncd emulator serve`. Policy and mappings are the shipped examples, unchanged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = shipped_config()
    shutil.copyfile(source / "policy.yaml", folder / "policy.yaml")
    shutil.copytree(source / "mappings", folder / "mappings", dirs_exist_ok=True)
    salesforce, hubspot = endpoints["salesforce"], endpoints["hubspot"]
    _secret(folder, "crm-client-secret", salesforce["client_secret"])
    _secret(folder, "prm-token", hubspot[hubspot_token])
    _secret(folder, "ledger-key", f"demo-ledger-{summary.seed}")
    values = {
        "database": database,
        "go_live": _instant(summary.go_live),
        "mode": mode,
        "ownership": ownership,
        "crm_host": salesforce["base_url"],
        "crm_client_id": salesforce["client_id"],
        "crm_version": salesforce["api_version"],
        "crm_heartbeat": summary.heartbeat_record,
        "prm_host": hubspot["base_url"],
        "prm_heartbeat": summary.heartbeat_company,
        "settle": settle_writes_after,
    }
    path = folder / "syncd.yaml"
    path.write_text(_SETTINGS.format(**values))
    return path


def _secret(folder: Path, name: str, value: str) -> None:
    path = folder / "secrets" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(value + "\n")
    path.chmod(0o600)


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


_SETTINGS = """\
# The demo's settings: both CRMs are emulators on this machine. `config/syncd.yaml` explains every key.
version: 1
database: {database}
timezone: Europe/London
go_live: {go_live}
policy: policy.yaml
connections:
  crm:
    kind: salesforce
    emulator: true
    roles: [direct]
    host: {crm_host}
    api_version: "{crm_version}"
    auth:
      flow: client_credentials
      client_id: {crm_client_id}
      client_secret: ${{file:secrets/crm-client-secret}}
    mapping: mappings/salesforce.yaml
    mode: {mode}
    ownership: {ownership}
    visibility: full
    heartbeat: {{object: Syncd_Heartbeat__c, id: {crm_heartbeat}, field: Last_Seen__c}}
    settle_writes_after: {settle}
  prm:
    kind: hubspot
    emulator: true
    roles: [partner]
    host: {prm_host}
    auth: {{flow: token, token: "${{file:secrets/prm-token}}"}}
    mapping: mappings/hubspot.yaml
    mode: {mode}
    authority: syncd
    heartbeat: {{object: companies, id: "{prm_heartbeat}", field: syncd_last_seen}}
    settle_writes_after: {settle}
ledger: {{key: "${{file:secrets/ledger-key}}"}}
"""
