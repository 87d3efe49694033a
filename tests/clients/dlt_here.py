"""Loads accounts and companies with dlt's REST source into SQLite: endpoints as JSON, then a folder; prints counts."""

import json
import os
import sqlite3
import sys
from pathlib import Path

endpoints, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(folder / "dlt")}

import dlt  # noqa: E402 (it reads its settings when it is loaded)
from dlt.sources.rest_api import rest_api_source  # noqa: E402

org, portal = endpoints["salesforce"], endpoints["hubspot"]
salesforce = rest_api_source(
    {
        "client": {
            "base_url": f"{org['base_url']}/services/data/v{org['api_version']}/",
            "auth": {"type": "bearer", "token": org["access_token"]},
            "paginator": {"type": "json_link", "next_url_path": "nextRecordsUrl"},
        },
        "resources": [
            {
                "name": "account",
                "primary_key": "Id",
                "endpoint": {
                    "path": "query",
                    "params": {"q": "SELECT Id, Name, SystemModstamp FROM Account ORDER BY Id"},
                    "data_selector": "records",
                },
            }
        ],
    },
    name="salesforce",
)
hubspot = rest_api_source(
    {
        "client": {
            "base_url": f"{portal['base_url']}/crm/v3/objects/",
            "auth": {"type": "bearer", "token": portal["access_token"]},
            "paginator": {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"},
        },
        "resources": [
            {
                "name": "companies",
                "primary_key": "id",
                "endpoint": {"path": "companies", "params": {"limit": 100}, "data_selector": "results"},
            }
        ],
    },
    name="hubspot",
)
database = folder / "dlt.db"
pipeline = dlt.pipeline(
    "clients",
    pipelines_dir=str(folder / "pipelines"),
    destination=dlt.destinations.sqlalchemy(f"sqlite:///{database}"),
    dataset_name="main",
)
for source in (salesforce, hubspot):
    pipeline.run(source).raise_on_failed_jobs()
with sqlite3.connect(database) as db:
    counts = {
        table: db.execute(f"SELECT count(DISTINCT {key}) FROM {table}").fetchone()[0]
        for table, key in (("account", "id"), ("companies", "id"))
    }
print(json.dumps(counts))
