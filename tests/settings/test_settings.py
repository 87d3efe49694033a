"""What a good settings file becomes: one frozen value, with secrets that nothing shows."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from syncd.errors import UserError
from syncd.settings import (
    Database,
    Secret,
    Settings,
    config_hash,
    json_schema,
    load_settings,
    parse_yaml,
    read_yaml,
    validate,
)

SECRET = "s3cr3t p@ss/word"
ENV = {"CRM_ID": "app-1", "CRM_SECRET": SECRET, "PRM_TOKEN": SECRET, "DB": SECRET}
TEXT = """\
version: 1
database: postgresql+psycopg://syncd:${env:DB}@db.example:5432/syncd
timezone: Europe/London
go_live: 2026-07-01
policy: policy.yaml
connections:
  crm:
    kind: salesforce
    roles: direct
    host: https://Acme--uat.sandbox.my.salesforce.com/
    api_version: v66.0
    auth: {flow: client_credentials, client_id: "${env:CRM_ID}", client_secret: "${file:secret.txt}"}
    mapping: crm.yaml
    timeout: 90
  prm:
    kind: hubspot
    roles: [both]
    auth: {flow: token, token: "${env:PRM_TOKEN}"}
    mapping: maps/prm.yaml
schedule: {every: 1h30m}
"""


def made(folder: Path, text: str = TEXT) -> Settings:
    (folder / "maps").mkdir(parents=True, exist_ok=True)
    for name in ("policy.yaml", "crm.yaml", "maps/prm.yaml"):
        (folder / name).write_text("a: 1\n")
    (folder / "secret.txt").write_text(SECRET + "\n")
    (folder / "syncd.yaml").write_text(text.replace("[both]", "[partner]"))
    return load_settings(folder / "syncd.yaml", ENV)


def test_values_are_typed_and_defaults_are_careful(tmp_path: Path) -> None:
    settings = made(tmp_path)
    name, crm = settings.direct
    assert (name, crm.base_url, crm.api_version) == ("crm", "https://acme--uat.sandbox.my.salesforce.com", "66.0")
    assert (crm.mode, crm.ownership, crm.visibility, crm.quota_share) == ("shadow", "off", "partial", 0.5)
    assert (crm.timeout, settings.schedule.every) == (timedelta(seconds=90), timedelta(minutes=90))
    assert settings.go_live == datetime(2026, 6, 30, 23, tzinfo=UTC), "a day starts at midnight in the time zone"
    ((_, prm),) = settings.partners
    assert (prm.base_url, prm.api_version, prm.authority) == ("https://api.hubapi.com", "2026-09", "source")
    assert prm.mapping == tmp_path / "maps" / "prm.yaml"
    assert (settings.matching.auto, settings.matching.review) == (0.97, 0.10)
    assert (settings.matching.duplicates, settings.matching.twins) == (0.97, 0.50)
    assert (prm.matching.auto, prm.matching.review) == (None, None), "as for all"


def test_settings_do_not_change(tmp_path: Path) -> None:
    settings = made(tmp_path)
    with pytest.raises(ValidationError):
        settings.timezone = "UTC"  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.connections["x"] = settings.connections["crm"]
    with pytest.raises(TypeError):
        settings.connections.clear()


def test_a_secret_is_revealed_only_on_purpose(tmp_path: Path) -> None:
    settings = made(tmp_path)
    auth = settings.connections["crm"].auth
    assert auth.flow == "client_credentials"
    assert auth.client_secret.reveal() == SECRET
    assert auth.client_id.reveal() == "app-1"
    assert settings.database.reveal() == "postgresql+psycopg://syncd:s3cr3t%20p%40ss%2Fword@db.example:5432/syncd"
    shown = [
        repr(settings),
        str(settings),
        f"{auth.client_secret}",
        f"{auth.client_secret:>40}",
        settings.model_dump_json(),
        repr(settings.model_dump()),
        json.dumps(settings.model_dump(mode="json")),
        repr(pickle.dumps(settings)),
        repr(copy.deepcopy(settings)),
        repr(settings.database),
        settings.database.url,
        config_hash(settings),
    ]
    assert all(SECRET not in text and "s3cr3t" not in text for text in shown)
    assert copy.deepcopy(settings).connections["crm"].auth == auth


def test_a_pickled_secret_reads_its_value_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    other = pickle.loads(pickle.dumps(Secret("${env:SYNCD_TEST_SECRET}", SECRET)))
    with pytest.raises(ValueError, match="SYNCD_TEST_SECRET is not set"):
        other.reveal()
    monkeypatch.setenv("SYNCD_TEST_SECRET", "new")
    assert other.reveal() == "new"


def test_a_private_key_is_the_one_secret_that_has_lines(tmp_path: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"
    (tmp_path / "key.pem").write_text(key + "\n")
    auth = made(tmp_path, TEXT.replace("secret.txt", "key.pem")).connections["crm"].auth
    assert auth.flow == "client_credentials"
    assert auth.client_secret.reveal() == key


def test_a_sqlite_file_lies_beside_the_settings(tmp_path: Path) -> None:
    text = TEXT.replace("postgresql+psycopg://syncd:${env:DB}@db.example:5432/syncd", "sqlite:///state.db")
    settings = made(tmp_path, text)
    assert settings.database.reveal() == f"sqlite:///{tmp_path}/state.db"
    assert settings.database.path == tmp_path / "state.db"
    assert Database("postgresql+psycopg://h/d").path is None


def test_the_hash_names_the_content_not_the_machine(tmp_path: Path) -> None:
    here, there = made(tmp_path / "a"), made(tmp_path / "b")
    assert config_hash(here) == config_hash(there)
    assert config_hash(made(tmp_path / "c", TEXT.replace("1h30m", "90m"))) == config_hash(here)
    assert config_hash(made(tmp_path / "d", TEXT.replace("1h30m", "91m"))) != config_hash(here)
    assert config_hash(made(tmp_path / "e", TEXT.replace("v66.0", "67.0"))) != config_hash(here)


@pytest.mark.parametrize(
    ("host", "fine"),
    [
        ("acme.my.salesforce.com", True),
        ("acme--uat.sandbox.my.salesforce.com", True),
        ("acme-dev-ed.develop.my.salesforce.com", True),
        ("cs101.salesforce.com", True),
        ("https://acme.my.salesforce.com:443", True),
        ("my.salesforce.com", False),
        ("salesforce.com", False),
        ("acme.my.salesforce.com:8443", False),
        ("evil.example/acme.my.salesforce.com", False),
        ("evil.example#.my.salesforce.com", False),
        ("acme.my.salesforce.com@evil.example", False),
        ("acme.my.salesforce.com\\@evil.example", False),
        ("ácme.my.salesforce.com", False),
        ("ftp://acme.my.salesforce.com", False),
        ("169.254.169.254", False),
        ("[::1]", False),
    ],
)
def test_only_hosts_of_the_vendor_are_let_through(host: str, fine: bool, tmp_path: Path) -> None:
    text = TEXT.replace("https://Acme--uat.sandbox.my.salesforce.com/", f'"{host}"'.replace("\\", "\\\\"))
    if fine:
        assert made(tmp_path, text).connections["crm"].base_url.startswith("https://")
    else:
        with pytest.raises(UserError):
            made(tmp_path, text)


def test_emulators_are_reached_by_http_on_this_machine(tmp_path: Path) -> None:
    text = TEXT.replace("https://Acme--uat.sandbox.my.salesforce.com/", "http://[::1]:8001\n    emulator: true")
    text = text.replace("kind: hubspot", "kind: hubspot\n    emulator: true\n    host: http://127.0.0.1:8002")
    settings = made(tmp_path, text)
    assert settings.connections["crm"].base_url == "http://[::1]:8001"
    assert settings.connections["prm"].base_url == "http://127.0.0.1:8002"


def test_the_schema_knows_every_key_and_forbids_the_rest() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(Settings.model_fields)
    assert schema["$defs"]["Connection"]["properties"]["host"]["type"] == "string"
    assert json.dumps(schema)


def test_included_files_are_merged_below_and_their_mistakes_named_by_their_own_line(tmp_path: Path) -> None:
    class Inner(BaseModel):
        model_config = ConfigDict(extra="forbid")
        x: int
        y: int = 0

    class Outer(BaseModel):
        model_config = ConfigDict(extra="forbid")
        a: Inner

    (tmp_path / "base.yaml").write_text("# base\na:\n  x: one\n  y: 2\n  z: 3\n")
    (tmp_path / "top.yaml").write_text("include: [base.yaml]\na: {y: 5}\n")
    document = read_yaml(tmp_path / "top.yaml")
    assert document.data == {"a": {"x": "one", "y": 5, "z": 3}}
    instance, problems = validate(document, Outer)
    assert instance is None
    assert [(Path(p.file).name, p.line, p.key) for p in problems] == [("base.yaml", 3, "a.x"), ("base.yaml", 5, "a.z")]


@pytest.mark.parametrize(("name", "key"), [("nowhere.yaml", "include[0]"), ("''", "include[0]")])
def test_an_include_that_leads_nowhere_is_a_problem(name: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "top.yaml").write_text(f"a: 1\ninclude: [{name}]\n")
    (problem,) = read_yaml(tmp_path / "top.yaml").problems
    assert (problem.line, problem.key) == (2, key)


def test_yaml_values_are_plain_and_keys_are_text() -> None:
    document = parse_yaml(
        "a: [1, 0x1f, 1_000, 0.5, .inf, yes, true, ~, 2026-11-23, '7']\ntrue: x\n1: y\n2026-09: z\n", "f"
    )
    assert document.data["a"] == [1, 31, 1000, 0.5, float("inf"), "yes", True, None, "2026-11-23", "7"]
    assert set(document.data) == {"a", "true", "1", "2026-09"}


def test_a_small_file_cannot_grow_without_bounds() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(UserError, match="grows without bounds"):
        parse_yaml(bomb, "bomb.yaml")
