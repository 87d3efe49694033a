"""Leaving a CRM and following a portal that was replaced, there and back, over HTTP on the emulators."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from syncd.demo.universe import Summary
from syncd.emulator import Emulator

from . import crm
from .harness import SEED, Cli, Stage, owner_field, read_table, stage, stamp_fields, write_table

pytestmark = pytest.mark.counts

Shown = dict[tuple[str, str], dict[str, Any]]


def shown(on: Stage, kinds: tuple[str, ...] = ("Account", "Opportunity")) -> Shown:
    """What each record of the org shows of syncd, owners included; when that was decided is left out."""
    raw = crm.read(on.endpoints)
    found: Shown = {}
    for kind in kinds:
        names = [native for name, native in stamp_fields(on.cli.config, kind).items() if name != "as_of"]
        names += [owner_field(on.cli.config)] if kind == "Opportunity" else []
        rows = raw.salesforce[kind] if kind in raw.salesforce else raw.hubspot[kind]
        found |= {(kind, str(row.get("Id") or row.get("id"))): {n: row[n] or None for n in names} for row in rows}
    return found


def test_a_portal_is_replaced_and_the_org_is_left_and_taken_back(small: tuple[Path, Summary], tmp_path: Path) -> None:
    data, summary = small
    with stage(data, summary, tmp_path / "state") as on:
        before = shown(on)
        on.cli.sync(codes=(0, 3))
        stamped = shown(on)
        assert sum(before[key] != stamped[key] for key in before) > 40
        ids = moved(data, tmp_path / "moved")
        portal = Emulator.load(tmp_path / "moved", seed=SEED + 1)
        with portal.serve() as endpoints:
            followed_into_another_portal(on, portal, endpoints["hubspot"], ids)
            assert shown(on) == stamped, "the org shows what it did"
            left_and_taken_back(on, before, stamped, tmp_path / "out")
        assert "hold" in on.cli.ask("ledger", "verify")


def followed_into_another_portal(on: Stage, portal: Emulator, endpoint: dict[str, Any], ids: dict[str, str]) -> None:
    """Every registration goes on as it stood, the org is not written, and the new portal tells what the old one did."""
    standing, so_far = standings(on.cli), len(on.ours())
    point_at(on.cli.config, endpoint)
    file = on.cli.config.parent / "ids.csv"
    write_table(file, ["old_id", "new_id"], [{"old_id": old, "new_id": new} for old, new in ids.items()])
    planned = on.cli.json("rekey", "prm2", "--map", str(file))
    assert (planned["done"], planned["problems"]) == (False, [])
    on.cli.ask("rekey", "prm2", "--map", str(file), "--yes", "--reason", "the portal was replaced")
    on.cli.sync(codes=(0, 3))
    assert {ids[id_]: one for id_, one in standing.items()} == standings(on.cli)
    assert len(on.ours()) == so_far
    told = {r["hs_object_id"]: r["syncd_status"] for r in portal.hubspot.rows("deals")}
    old = {r["hs_object_id"]: r["syncd_status"] for r in on.emulator.hubspot.rows("deals")}
    assert {ids[id_]: status for id_, status in old.items()} == told


def left_and_taken_back(on: Stage, before: Shown, stamped: Shown, folder: Path) -> None:
    """Once it is left the org shows what it showed before syncd, and is written no more; taken back, what it showed."""
    assert on.cli.json("retire", "crm", "--yes", "--export", str(folder), "--reason", "the trial is over")["retired"]
    on.cli.sync(codes=(0, 3))
    assert shown(on) == before
    so_far = len(on.ours())
    on.cli.sync(codes=(0, 3))
    assert len(on.ours()) == so_far
    assert on.cli.json("retire", "crm")["stamps"] == 0
    on.cli.ask("retire", "crm", "--back", "--reason", "we stay")
    on.cli.sync(codes=(0, 3))
    assert shown(on) == stamped


def standings(cli: Cli) -> dict[str, tuple[Any, ...]]:
    """By id, how each registration stands."""
    names = ("number", "application", "protection", "received_at", "since", "until")
    return {row["ref"].split("/")[2]: tuple(row[name] for name in names) for row in cli.json("registrations")}


def moved(data: Path, folder: Path) -> dict[str, str]:
    """The same portal under other ids, as somebody copies it into another; returns which id became which."""
    shutil.copytree(data, folder)
    ids: dict[str, str] = {}
    for name in ("companies", "deals", "p_partners"):
        for row in read_table(folder / "hubspot" / f"{name}.csv")[0]:
            ids[row["hs_object_id"]] = str(int(row["hs_object_id"]) + 7)
    assert not set(ids) & set(ids.values())
    for name in ("companies", "deals", "p_partners"):
        rows, columns = read_table(folder / "hubspot" / f"{name}.csv")
        for row in rows:
            for column in ("hs_object_id", "associations.companies"):
                row[column] = ids.get(row.get(column, ""), row.get(column, ""))
        write_table(folder / "hubspot" / f"{name}.csv", columns, [{c: row[c] for c in columns} for row in rows])
    return ids


def point_at(config: Path, endpoint: dict[str, Any]) -> None:
    """The new portal under a name of its own, the old one taken out of the settings."""
    (config.parent / "secrets" / "prm-token").write_text(endpoint["access_token"] + "\n")
    lines = config.read_text().splitlines()
    start = lines.index("  prm:")
    kept = [line for line in lines[start:] if "heartbeat" not in line]
    kept = [f"    host: {endpoint['base_url']}" if line.startswith("    host:") else line for line in kept]
    config.write_text("\n".join([*lines[:start], "  prm2:", *kept[1:], ""]))
