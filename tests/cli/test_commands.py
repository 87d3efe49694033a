"""The command line as a person and a script meet it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from syncd.cli.main import app, run
from syncd.demo.setup import shipped_config
from syncd.emulator import Emulator


def all_commands() -> list[list[str]]:
    """Every command and sub-command by its words."""
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        found.append([name])
        found += [[name, sub] for sub in getattr(command, "commands", {})]
    return found


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_help_teaches_and_lists_the_exit_codes(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Usage: syncd " + words[0])
    assert len(shown.split("Options")[0].split("\n\n")) >= 2, "a sentence about what it does"
    if not hasattr(get_command(app).commands[words[0]], "commands") or len(words) == 2:  # type: ignore[attr-defined]
        assert "Exit codes: 0 done" in shown


@pytest.mark.parametrize("words", [["nosuch"], ["why"], ["approve"], ["runs", "--limit", "many"], ["db", "nosuch"]])
def test_wrong_usage_ends_with_two_and_a_hint(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    told = capsys.readouterr().err
    assert "Usage: syncd" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("words", [["plan"], ["sync"], ["run"], ["check"], ["registrations"], ["ledger", "verify"]])
def test_a_missing_settings_file_is_told_with_its_remedy(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-c", "nowhere/syncd.yaml", *words]) == 2
    assert "nowhere/syncd.yaml: there is no such file" in capsys.readouterr().err


def write_data(folder: Path) -> Path:
    """A vendor with one account and one deal, whose org lacks two of the mapped fields."""
    files = {
        "salesforce/User.csv": "Id,Username,Name,Email,IsActive\n,rep@example.com,A. Rep,rep@example.com,true\n",
        "salesforce/Account.csv": "Id,Name,Website,BillingCountry\n,Acme Ltd,acme.example,United Kingdom\n",
        "salesforce/Opportunity.csv": "Id,Name,StageName,Amount,CloseDate\n,Acme deal,Prospecting,10,2026-12-01\n",
        "hubspot/companies.csv": "hs_object_id,name,domain\n101,ACME Limited,acme.example\n",
        "hubspot/deals.csv": "hs_object_id,dealname,pipeline,dealstage\n201,Acme,default,appointmentscheduled\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[Path]:
    """A settings file beside the shipped examples, pointed at emulators whose org does not fit the mapping."""
    emulator = Emulator.load(write_data(tmp_path / "data"))
    with emulator.serve() as endpoints:
        shutil.copytree(shipped_config() / "mappings", tmp_path / "mappings")
        shutil.copyfile(shipped_config() / "policy.yaml", tmp_path / "policy.yaml")
        (tmp_path / "token").write_text(endpoints["hubspot"]["access_token"])
        (tmp_path / "secret").write_text(endpoints["salesforce"]["client_secret"])
        (tmp_path / "syncd.yaml").write_text(
            f"""version: 1
database: sqlite:///syncd.db
go_live: 2026-11-01
policy: policy.yaml
connections:
  crm:
    kind: salesforce
    emulator: true
    roles: [direct]
    host: {endpoints["salesforce"]["base_url"]}
    auth:
      flow: client_credentials
      client_id: {endpoints["salesforce"]["client_id"]}
      client_secret: ${{file:secret}}
    mapping: mappings/salesforce.yaml
  prm:
    kind: hubspot
    emulator: true
    roles: [partner]
    host: {endpoints["hubspot"]["base_url"]}
    auth: {{flow: token, token: "${{file:token}}"}}
    mapping: mappings/hubspot.yaml
"""
        )
        yield tmp_path / "syncd.yaml"


def test_a_field_that_the_crm_lacks_is_named_with_file_line_key_and_remedy(
    configured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", str(configured), "check"]) == 2
    told = capsys.readouterr()
    lines = told.err.splitlines()
    mapping = (configured.parent / "mappings/salesforce.yaml").read_text().splitlines()
    line = next(n for n, text in enumerate(mapping, start=1) if "is_named: Named_Account__c" in text)
    named = next(text for text in lines if "Named_Account__c" in text)
    assert f"salesforce.yaml:{line}: streams.accounts.fields.is_named: Account has no field Named_Account__c" in named
    assert "create the field" in named
    assert any("object type p_partners" in text for text in lines)
    assert "before going live: Account has no field Syncd_Status__c" in told.out, "in shadow mode a stamp can wait"


def test_check_calls_no_crm_when_told_so(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-c", str(configured), "check", "--offline", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    (renewals,) = said.pop("rules_off")
    assert renewals.startswith("incumbent_keeps (rulings 5.7, C15) is off for want of direct contracts")
    assert said == {"ok": True, "problems": [], "connections": [], "trouble": []}


def test_lists_say_what_to_do_when_there_is_no_state_yet(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-c", str(configured), "registrations"]) == 2
    assert "Create it with  syncd db upgrade" in capsys.readouterr().err
    assert run(["-c", str(configured), "db", "upgrade"]) == 0
    capsys.readouterr()
    assert run(["-c", str(configured), "registrations", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_stream_without_a_field_that_the_mapping_names_is_not_read_and_the_others_are(
    configured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the field a rule would be off in silence, and what it let through would stand for good."""
    assert run(["-c", str(configured), "sync", "--no-write", "--json"]) == 1, "a stream could not be read"
    report = json.loads(capsys.readouterr().out)
    assert "accounts" not in report["pulled"]["crm"]
    assert report["pulled"]["crm"]["users"]["new"] == 2, "the rep, and the integration user"
    assert report["pulled"]["prm"]["accounts"]["new"] == 1
    assert any("crm accounts: Account has no field" in error for error in report["errors"])
    assert any("salesforce.yaml:" in problem and "is_named" in problem for problem in report["problems"])
    assert report["decisions"] == 0


@pytest.mark.parametrize(("words", "known"), [(["collisions", "--code", "C99"], "C08"),
                                              (["registrations", "--state", "aproved"], "approved")])  # fmt: skip
def test_a_filter_that_names_nothing_is_wrong_usage(
    words: list[str], known: str, configured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", str(configured), "db", "upgrade"]) == 0
    assert run(["-c", str(configured), *words]) == 2
    told = capsys.readouterr().err
    assert "Known: " in told
    assert known in told


def test_a_database_that_is_none_is_told_without_a_traceback(
    configured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (configured.parent / "syncd.db").write_bytes(b"not a database" * 100)
    assert run(["-c", str(configured), "plan"]) == 1
    assert "The state database failed: file is not a database" in capsys.readouterr().err


def test_an_address_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulator", "serve", "--salesforce", "foo"]) == 2
    assert "HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize("of", ["settings", "mapping", "policy"])
def test_the_schema_of_each_file_can_be_exported(of: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema", of]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["type"] == "object"
    assert schema["properties"]


def test_the_emulator_prints_one_line_and_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    words = ["emulator", "serve", "--salesforce", "127.0.0.1:0", "--hubspot", "127.0.0.1:0"]
    data = ["--data", str(write_data(tmp_path))]
    with subprocess.Popen(
        [sys.executable, "-m", "syncd", *words, *data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        wanted = {"base_url", "client_id", "client_secret", "username", "access_token", "refresh_token", "api_version"}
        assert wanted <= line["salesforce"].keys()
        assert {"base_url", "access_token", "limited_access_token"} <= line["hubspot"].keys()
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
        assert rest == ""
        assert process.returncode == 0


def test_data_that_cannot_be_loaded_is_told_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_data(tmp_path)
    (folder / "hubspot/deals.csv").write_text("hs_object_id,dealname,amount\n201,Acme,many\n")
    words = ["emulator", "serve", "--salesforce", "127.0.0.1:0", "--hubspot", "127.0.0.1:0", "--data", str(folder)]
    assert run(words) == 2
    assert "deals.csv:2: amount" in capsys.readouterr().err


def test_provisioning_is_looked_at_in_shadow_mode_made_when_live_and_not_made_twice(
    configured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def provision(*words: str) -> tuple[int, dict[str, Any]]:
        code = run(["-c", str(configured), "provision", "prm", "--json", *words])
        return code, json.loads(capsys.readouterr().out or "{}")

    code, told = provision("--check")
    assert (code, {part["fit"] for part in told["connections"][0]["parts"]}) == (3, {"missing"})
    assert provision()[0] == 2, "nothing is written in shadow mode"
    configured.write_text(configured.read_text() + "    mode: live\n")
    code, told = provision()
    (made,) = told["connections"]
    assert (code, told["ok"], {part["fit"] for part in made["parts"]}) == (0, True, {"made"})
    assert made["settings"].startswith("heartbeat: {object: companies, id:")
    configured.write_text(configured.read_text() + f"    {made['settings']}\n")
    code, again = provision()
    assert (code, {part["fit"] for part in again["connections"][0]["parts"]}) == (0, {"fits"})
    assert again["connections"][0]["settings"] is None
    assert run(["-c", str(configured), "ledger", "export"]) == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(entry["kind"], len(entry["made"])) for entry in entries] == [("provision", 11)]


def test_provisioning_an_org_says_field_by_field_what_to_do(
    configured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", str(configured), "provision", "crm"]) == 3
    told = capsys.readouterr().err
    assert "crm: to do: Account.Syncd_Status__c is not there" in told
    assert "Picklist (restricted) with the values pending, protected, review, direct, ended" in told
    assert "Account.Syncd_Number__c" in told
    assert "Text(40)" in told
