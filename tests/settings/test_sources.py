"""Connections to exports, tables and described APIs: what a good one becomes, and what is said of each mistake."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.app import build, load_config, open_store
from syncd.connectors.rest.description import Description
from syncd.errors import Problem, UserError
from syncd.mapping import Mapping, MappingFile
from syncd.model import Stream
from syncd.settings import config_hash, json_schema, load, load_settings, parse_yaml, validate

CONFIG = Path(__file__).parents[2] / "config"
DOCS = CONFIG.parent / "docs"
SECRET = "s3cr3t-hunter2"
ENV = {"DB_PASSWORD": SECRET, "PRM_TOKEN": SECRET, "PRM_USER": "syncd", "PRM_ID": "app", "PRM_KEY": SECRET}

GOOD = """\
version: 1
database: sqlite:///syncd.db
go_live: 2026-11-01
policy: policy.yaml
connections:
  crm:
    kind: sql
    roles: [direct]
    mapping: map.yaml
    sql:
      account: warehouse
      url: postgresql+psycopg://reader:${env:DB_PASSWORD}@db.example/crm
      zone: Europe/London
      clock: {table: loads, column: finished_at}
      tables:
        Account: {table: crm.accounts, id: id, stamp: [updated_at, created_at], deleted: is_deleted, write: status}
  portal:
    kind: files
    roles: [partner]
    mapping: map.yaml
    mode: live
    files:
      account: acme-portal
      system: hubspot
      folder: exports
      ready: done
      objects:
        deals: {files: "deals*.csv", complete: true}
  prm:
    kind: rest
    roles: [partner]
    host: prm.example.com
    auth: {flow: basic, username: "${env:PRM_USER}", password: "${env:PRM_TOKEN}"}
    rest: rest.yaml
    mapping: map.yaml
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("policy.yaml", "map.yaml"):
        (tmp_path / name).write_text("a: 1\n")
    shutil.copy(CONFIG / "rest.yaml", tmp_path / "rest.yaml")
    (tmp_path / "exports").mkdir()
    return tmp_path


def problems_of(folder: Path, text: str) -> tuple[Problem, ...]:
    (folder / "syncd.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        load_settings(folder / "syncd.yaml", ENV)
    assert SECRET not in str(caught.value)
    return caught.value.problems


def test_each_kind_has_its_own_section(folder: Path) -> None:
    (folder / "syncd.yaml").write_text(GOOD)
    settings = load_settings(folder / "syncd.yaml", ENV)
    crm, portal, prm = settings.connections.values()
    assert crm.sql is not None
    assert crm.sql.url.reveal() == f"postgresql+psycopg://reader:{SECRET}@db.example/crm"
    table = crm.sql.tables["Account"]
    assert (table.stamp, table.write) == (("updated_at", "created_at"), ("status",))
    assert crm.sql.lag == timedelta(minutes=5)
    assert portal.files is not None
    assert (portal.files.folder, portal.files.ready) == (folder / "exports", "done")
    assert portal.files.every == timedelta(hours=26)
    assert prm.auth is not None
    assert (prm.auth.flow, prm.base_url, prm.rest) == ("basic", "https://prm.example.com", folder / "rest.yaml")
    assert [one.host for one in (crm, portal)] == [None, None]
    assert SECRET not in repr(settings) + settings.model_dump_json()


def test_the_hash_of_a_source_names_no_machine(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "deeper"
    shutil.copytree(folder, other)
    for place in (folder, other):
        (place / "syncd.yaml").write_text(GOOD)
    first = config_hash(load_settings(folder / "syncd.yaml", ENV))
    assert first == config_hash(load_settings(other / "syncd.yaml", ENV))
    (other / "syncd.yaml").write_text(GOOD.replace("zone: Europe/London", "zone: Europe/Berlin"))
    assert first != config_hash(load_settings(other / "syncd.yaml", ENV))


CRM, PORTAL, PRM = "connections.crm", "connections.portal", "connections.prm"


@pytest.mark.parametrize(
    ("old", "new", "at", "key", "message", "remedy"),
    [
        # keys of another kind
        ("    mode: live", "    host: x.example", "host: x", f"{PORTAL}.host", "no meaning for files",
         "section `files`"),
        ("    mode: live", "    auth: {flow: token, token: x}", "auth: {flow: token", f"{PORTAL}.auth", "no meaning",
         "Remove the line"),
        ("    mode: live", "    emulator: true", "emulator", f"{PORTAL}.emulator", "key of salesforce, hubspot, rest",
         "Remove"),
        ("    mode: live", "    quota_share: 0.5", "quota_share", f"{PORTAL}.quota_share", "no meaning", "Remove"),
        ("    mode: live", "    heartbeat: {object: a, id: b, field: c}", "heartbeat", f"{PORTAL}.heartbeat",
         "no meaning for files", "Remove"),
        ("    mode: live", "    api_version: 68.0", "api_version", f"{PORTAL}.api_version", "no meaning for files",
         "Remove"),
        ("    mode: live", "    sql: {}", "sql: {}", f"{PORTAL}.sql", "it is a key of sql", "section `files`"),
        ("    host: prm.example.com", "    host: prm.example.com\n    files: {}", "files: {}", f"{PRM}.files",
         "no meaning for rest", "`rest` names"),
        ("    sql:\n      account", "    rest: rest.yaml\n    sql:\n      account", "rest: rest.yaml", f"{CRM}.rest",
         "no meaning for sql", "section `sql`"),
        # what is missing
        ("    host: prm.example.com\n", "", "prm:", f"{PRM}.host", "`host` is missing", "Add `host"),
        ("    rest: rest.yaml\n", "", "prm:", f"{PRM}.rest", "`rest` is missing", "Add `rest: rest.yaml`"),
        ("      account: acme-portal\n", "", "files:", f"{PORTAL}.files.account", "`account` is missing",
         "acme-portal"),
        ("      folder: exports\n", "", "files:", f"{PORTAL}.files.folder", "`folder` is missing", "folder: exports"),
        ("id: id, ", "", "Account: {", f"{CRM}.sql.tables.Account.id", "`id` is missing", "Add `id: id`"),
        ("stamp: [updated_at, created_at], ", "", "Account: {", f"{CRM}.sql.tables.Account.stamp", "is missing",
         "stamp: updated_at"),
        # what is wrong in them
        ("folder: exports", "folder: exprts", "exprts", f"{PORTAL}.files.folder", "no folder `exprts`", "Create it"),
        ("account: acme-portal", "account: Acme Portal", "Acme Portal", f"{PORTAL}.files.account", "not a usable name",
         "small letters"),
        ("system: hubspot", "system: hubspott", "hubspott", f"{PORTAL}.files.system", "not known here",
         "Did you mean `hubspot`?"),
        ("ready: done", "ready: soon", "ready: soon", f"{PORTAL}.files.ready", "does not say when", "`done`"),
        ("ready: done", "dates: ymd", "dates: ymd", f"{PORTAL}.files.dates", "not known here", "dmy"),
        ('files: "deals*.csv"', "files: ../deals.csv", "../deals", f"{PORTAL}.files.objects.deals.files",
         "without a folder", "`folder`"),
        ("complete: true", "complet: true", "complet:", f"{PORTAL}.files.objects.deals.complet", "unknown key",
         "Did you mean `complete`?"),
        ("        deals: {", "        de als: {", "de als", f"{PORTAL}.files.objects.de als",
         "not the name of an object", "`object`"),
        ("${env:DB_PASSWORD}", SECRET, "url:", f"{CRM}.sql.url", "stands here in plain", "${env:DB_PASSWORD}"),
        ("reader:${env:DB_PASSWORD}@db.example/crm", f"db.example/crm?user=r&password={SECRET}", "url:",
         f"{CRM}.sql.url", "stands here in plain", "change the password"),
        ("postgresql+psycopg://reader:${env:DB_PASSWORD}@db.example/crm", "the warehouse", "url:", f"{CRM}.sql.url",
         "must be the URL", "postgresql+psycopg"),
        ("DB_PASSWORD", "NOT_THERE", "url:", f"{CRM}.sql.url", "NOT_THERE is not set", "export NOT_THERE"),
        ("table: crm.accounts", "table: a.b.c", "a.b.c", f"{CRM}.sql.tables.Account.table", "not the name of a table",
         "schema.table"),
        ("write: status", "write: {a: b}", "write:", f"{CRM}.sql.tables.Account.write", "must be the name of a column",
         "updated_at"),
        ("zone: Europe/London", "zone: Mars", "zone: Mars", f"{CRM}.sql.zone", "not a time zone", "Europe/London"),
        ("host: prm.example.com", "host: http://prm.example.com", "host:", f"{PRM}.host", "reached by https",
         "Write `prm.example.com`"),
        ("host: prm.example.com", "host: 127.0.0.1:80", "host:", f"{PRM}.host", "this very machine", "emulator: true"),
        ('flow: basic, username: "${env:PRM_USER}", password: "${env:PRM_TOKEN}"', "flow: header, key: x", "auth:",
         f"{PRM}.auth.header", "`header` is missing", "X-Api-Key"),
        ("flow: basic", "flow: basc", "auth:", f"{PRM}.auth.flow", "not offered for rest", "Did you mean `basic`?"),
        ("rest: rest.yaml", "rest: nope.yaml", "nope", f"{PRM}.rest", "no file `nope.yaml`", "create the file"),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_clear_message(
    folder: Path, old: str, new: str, at: str, key: str, message: str, remedy: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    found = problems_of(folder, text)
    said = [one for one in found if one.key == key]
    assert len(said) == 1, [str(one) for one in found]
    assert len(found) == 1 or "key: x" in new, [str(one) for one in found]
    (problem,) = said
    assert problem.line == next(n for n, line in enumerate(text.splitlines(), 1) if at in line)
    assert message in problem.message
    assert remedy in problem.remedy


def test_the_same_source_in_two_connections_is_refused(folder: Path) -> None:
    block = GOOD[GOOD.index("  portal:") : GOOD.index("  prm:")]
    (problem,) = problems_of(folder, GOOD.replace("  prm:", block.replace("portal:", "again:", 1) + "  prm:"))
    assert problem.key == "connections.again.files.account"
    assert "account of the connection `portal`" in problem.message


def test_files_and_tables_may_be_rehearsed_beside_an_emulator(folder: Path) -> None:
    text = GOOD.replace("host: prm.example.com", "host: http://127.0.0.1:8001\n    emulator: true")
    (folder / "syncd.yaml").write_text(text)
    assert load_settings(folder / "syncd.yaml", ENV).connections["prm"].base_url == "http://127.0.0.1:8001"


def test_a_database_of_any_maker_may_be_a_source_but_not_the_state(folder: Path) -> None:
    mysql = "mysql+pymysql://reader:${env:DB_PASSWORD}@db.example/crm"
    (folder / "syncd.yaml").write_text(GOOD.replace(GOOD[GOOD.index("postgresql") : GOOD.index("/crm\n") + 4], mysql))
    crm = load_settings(folder / "syncd.yaml", ENV).connections["crm"]
    assert crm.sql is not None
    assert crm.sql.url.kind == "mysql"
    (problem,) = problems_of(folder, GOOD.replace("sqlite:///syncd.db", mysql))
    assert problem.key == "database"


# --- descriptions -----------------------------------------------------------------------------------------------------

DESCRIPTION = """\
name: Acme PRM
objects:
  Deal:
    list:
      path: /api/deals
      items: data
      paging: {style: cursor, param: after, next: meta.next}
    read: {path: "/api/deals/{id}"}
    update: {path: "/api/deals/{id}"}
    upsert: {path: "/api/deals/by/{key}", keys: [number]}
    stamp: {field: updated_at}
    fields: {number: reference}
    write: [number]
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "message", "remedy"),
    [
        ("items: data", "items: data[", 6, "list.items", "no JMESPath", "data.items"),
        ("path: /api/deals\n", "path: https://evil.example/x\n", 5, "list.path", "is no path", "/api/v1/deals"),
        ("path: /api/deals\n", "path: //evil.example/x\n", 5, "list.path", "is no path", "/api/v1/deals"),
        ("path: /api/deals\n", "path: /api/deals?x=1\n", 5, "list.path", "is no path", "/api/v1/deals"),
        ("path: /api/deals\n", "path: /api/../admin\n", 5, "list.path", "is no path", "/api/v1/deals"),
        (", next: meta.next", "", 7, "list.paging", "needs `next`", "next_cursor"),
        ("style: cursor", "style: curser", 7, "list.paging.style", "not known here", "Did you mean `cursor`?"),
        ("param: after", "param: a b", 7, "list.paging.param", "not the name of a parameter", "alone"),
        ('    read: {path: "/api/deals/{id}"}\n', "", 3, "", "needs `read` or `read_many`", "Add `read"),
        ('read: {path: "/api/deals/{id}"}', "read: {path: /api/deals}", 3, "", "does not say which record", "{id}"),
        ('update: {path: "/api/deals/{id}"}', "update: {path: /api/deals}", 9, "update", "which record", "{id}"),
        ('update: {path: "/api/deals/{id}"}', 'update: {path: "/api/deals/{id}", body: "{feilds}"}', 9, "update",
         "{feilds}, which nothing fills", "{fields}"),
        ('update: {path: "/api/deals/{id}"}', "update: {path: /api/deals, most: 5}", 9, "update", "needs `row`",
         "config/rest.yaml"),
        ("/by/{key}", "/by", 10, "upsert", "which record is meant", "{key}"),
        ("fields: {number: reference}", "fields: {'a b': reference}", 12, "fields.a b", "not the name", "mapping"),
        ("fields: {number: reference}", "feilds: {number: reference}", 12, "feilds", "unknown key", "`fields`"),
        ("name: Acme PRM", "name: Acme PRM\nheaders: {Authorization: x}", 2, "headers", "must not sign in", "`auth`"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_description_has_its_line(
    old: str, new: str, line: int, key: str, message: str, remedy: str
) -> None:
    assert old in DESCRIPTION
    found = validate(parse_yaml(DESCRIPTION.replace(old, new, 1), "rest.yaml"), Description)[1]
    assert len(found) == 1, [str(one) for one in found]
    place = key if key == "headers" else f"objects.Deal.{key}".rstrip(".")
    assert (found[0].line, found[0].key) == (line, place)
    assert message in found[0].message
    assert remedy in found[0].remedy


def test_a_description_is_read_with_the_settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    (folder / "syncd.yaml").write_text(GOOD)
    (folder / "policy.yaml").write_text((CONFIG / "policy.yaml").read_text())
    (folder / "map.yaml").write_text((CONFIG / "mappings/rest.yaml").read_text())
    config = load_config(folder / "syncd.yaml")
    store = open_store(config.settings)
    work = build(config, store)
    assert [(side.name, side.connector.facts.kind) for side in work.sides] == [
        ("crm", "sql"), ("portal", "files"), ("prm", "rest"),
    ]  # fmt: skip
    store.close()
    (folder / "rest.yaml").write_text(DESCRIPTION.replace("items: data", "itms: data"))
    with pytest.raises(UserError) as caught:
        load_config(folder / "syncd.yaml")
    (problem,) = caught.value.problems
    assert (Path(problem.file).name, problem.key) == ("rest.yaml", "objects.Deal.list.itms")


# --- examples ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["files", "sql", "rest"])
def test_the_example_mappings_of_sources_compile(kind: str) -> None:
    mapping = Mapping.compile(load(CONFIG / f"mappings/{kind}.yaml", MappingFile), kind)
    assert Stream.ACCOUNTS in mapping.streams
    assert all(one.read_spec().fields for one in mapping.streams.values())


def test_the_example_description_has_what_its_mapping_reads_and_writes() -> None:
    about = load(CONFIG / "rest.yaml", Description)
    streams = Mapping.compile(load(CONFIG / "mappings/rest.yaml", MappingFile), "rest").streams
    for one in streams.values():
        spec = one.read_spec()
        described = about.objects[spec.object]
        assert {*spec.fields, *spec.where} <= set(described.fields)
        assert one.ours <= set(described.write)
    assert {one.read_spec().object for one in streams.values()} == set(about.objects)


def test_the_connections_that_the_documentation_shows_are_good(folder: Path) -> None:
    shown = re.findall(r"```yaml\n(connections:\n.*?)```", (DOCS / "connectors.md").read_text(), re.DOTALL)
    assert len(shown) >= 3
    for name in ("files", "sql", "rest"):
        (folder / "mappings").mkdir(exist_ok=True)
        shutil.copy(CONFIG / f"mappings/{name}.yaml", folder / "mappings" / f"{name}.yaml")
    kinds = set()
    for block in shown:
        text = re.sub(r"roles: \[(direct|partner)\]", "roles: [both]", block)  # each shows one connection alone
        (folder / "syncd.yaml").write_text(GOOD[: GOOD.index("connections:")] + text)
        settings = load_settings(folder / "syncd.yaml", ENV)
        kinds |= {one.kind.value for one in settings.connections.values()}
    assert kinds == {"files", "sql", "rest"}


def test_the_schema_of_a_description_can_be_written() -> None:
    schema = json_schema(Description)
    assert "list" in schema["$defs"]["RestObject"]["properties"]
