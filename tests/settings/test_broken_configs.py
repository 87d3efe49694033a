"""Each mistake in the settings gets one clear message: file, line, key, what is wrong, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from syncd.errors import Problem, UserError
from syncd.settings import load_settings

SECRET = "s3cr3t-hunter2-s3cr3t"
ENV = {
    "CRM_SECRET": SECRET, "PRM_TOKEN": SECRET, "BLANK": "  ", "TO_A_FILE": f"file:///etc/{SECRET}",
    "TO_A_PLAIN_HOST": f"json://hooks.example.com/{SECRET}",
}  # fmt: skip

GOOD = """\
version: 1
database: sqlite:///syncd.db
timezone: Europe/London
go_live: 2026-11-01
policy: policy.yaml
connections:
  crm:
    kind: salesforce
    roles: [direct]
    host: acme.my.salesforce.com
    auth:
      flow: client_credentials
      client_id: 3MVG9.app
      client_secret: ${env:CRM_SECRET}
    mapping: crm.yaml
    mode: live
    ownership: off
  prm:
    kind: hubspot
    roles: [partner]
    auth: {flow: token, token: "${env:PRM_TOKEN}"}
    mapping: prm.yaml
    authority: syncd
schedule: {every: 60s}
matching: {auto: 0.97, review: 0.10}
log: {format: auto, level: info}
"""

EMULATED = """\
version: 1
database: sqlite:///syncd.db
go_live: 2026-11-01
policy: policy.yaml
connections:
  crm:
    kind: salesforce
    roles: [both]
    emulator: true
    host: http://127.0.0.1:8001
    auth: {flow: token, token: "${env:CRM_SECRET}"}
    mapping: crm.yaml
"""


@dataclass(frozen=True)
class Broken:
    """One edit of a good file, and the one problem that must come of it. `at` is a text on the line that is named."""

    name: str
    old: str
    new: str
    at: str
    key: str
    message: str
    remedy: str
    base: str = GOOD


CASES = [
    Broken("alerts to a scheme that is not allowed", "log:", 'alerts: {to: ["${env:TO_A_FILE}"]}\nlog:', "alerts",
           "alerts.to[0]", "has the scheme `file`", "Use one of discord,"),
    Broken("alerts in the clear to another machine", "log:", 'alerts: {to: ["${env:TO_A_PLAIN_HOST}"]}\nlog:', "alerts",
           "alerts.to[0]", "has the scheme `json`", "Use one of discord,"),
    Broken("alerts to an address in the clear", "log:", 'alerts: {to: ["slack://T1/B2/C3"]}\nlog:', "alerts",
           "alerts.to[0]", "", "${env:"),
    Broken("no address to listen on", "log:", "server: {listen: 8750}\nlog:", "server", "server.listen",
           "is no address to listen on", "127.0.0.1:8750"),
    Broken("a name to listen on", "log:", "server: {listen: syncd.example.com:80}\nlog:", "server", "server.listen",
           "is no address of this machine", "127.0.0.1:8750"),
    Broken("a webhook of another kind", "    mode: live\n", "    mode: live\n    webhook: {secret: "
           '"${env:PRM_TOKEN}", url: https://sync.example.com/webhooks/crm}\n', "webhook", "connections.crm.webhook",
           "has no meaning for salesforce", "Remove the line"),
    Broken("a webhook in the clear", "    authority: syncd\n", "    authority: syncd\n    webhook: {secret: "
           '"${env:PRM_TOKEN}", url: http://sync.example.com/webhooks/prm}\n', "webhook", "connections.prm.webhook.url",
           "must be an https URL", "https://host/path"),
    Broken("unknown key", "timezone:", "timezon:", "timezon:", "timezon", "unknown key `timezon`",
           "Did you mean `timezone`?"),
    Broken("unknown key, no guess", "schedule:", "zzzz: 1\nschedule:", "zzzz", "zzzz", "unknown key `zzzz`",
           "Known here: version,"),
    Broken("unknown key inside", "client_id:", "clent_id:", "clent_id", "connections.crm.auth.clent_id",
           "unknown key", "Did you mean `client_id`?"),
    Broken("unknown key of a connection", "mode: live", "mod: live", "mod:", "connections.crm.mod",
           "unknown key `mod`", "Did you mean `mode`?"),
    Broken("missing key", "go_live: 2026-11-01\n", "", "version", "go_live", "`go_live` is missing",
           "Add `go_live: 2026-11-23`"),
    Broken("missing key inside", "    mapping: crm.yaml\n", "", "crm:", "connections.crm.mapping",
           "`mapping` is missing", "Add `mapping:"),
    Broken("missing host", "    host: acme.my.salesforce.com\n", "", "crm:", "connections.crm.host",
           "`host` is missing", "Add `host:"),
    Broken("missing auth", '    auth: {flow: token, token: "${env:PRM_TOKEN}"}\n', "", "prm:",
           "connections.prm.auth", "`auth` is missing", "Add `auth:"),
    Broken("missing secret key", "      client_secret: ${env:CRM_SECRET}\n", "", "auth:",
           "connections.crm.auth.client_secret", "`client_secret` is missing", "Add `client_secret: ${env:"),
    Broken("wrong version", "version: 1", "version: 2", "version", "version", "`2` is not known", "It can be 1."),
    Broken("number as text", "matching: {auto: 0.97", "matching: {auto: high", "matching", "matching.auto",
           "must be a number", "For example `auto: 0.97`"),
    Broken("share out of range", "mode: live", "quota_share: 3", "quota_share", "connections.crm.quota_share",
           "must be at most 1", "quota_share: 0.5"),
    Broken("thresholds of a connection crossed", "    ownership: off\n", "    ownership: off\n    matching: "
           "{auto: 0.5, review: 0.9}\n", "matching", "connections.crm.matching.auto", "must be above `review`",
           "auto: 0.99"),
    Broken("a time of day that there is not", "    ownership: off\n", '    quiet: {start: "25:00", end: "06:00"}\n',
           "quiet", "connections.crm.quiet.start", "is not written in the form", 'start: "20:00"'),
    Broken("quiet hours of no length", "    ownership: off\n", '    quiet: {start: "20:00", end: "20:00"}\n',
           "quiet", "connections.crm.quiet.end", "is the same as `start`", "another time of day"),
    Broken("thresholds crossed", "auto: 0.97, review: 0.10", "auto: 0.5, review: 0.9", "matching", "matching.auto",
           "must be above `review`", "auto: 0.97"),
    Broken("text where a section belongs", "log: {format: auto, level: info}", "log: json", "log", "log",
           "must be a section", "lines below"),
    Broken("list where a text belongs", "host: acme.my.salesforce.com", "host: [a, b]", "host",
           "connections.crm.host", "is not a host name", "My Domain"),
    Broken("switch with other words", "roles: [partner]", "roles: [partner]\n    emulator: maybe", "emulator",
           "connections.prm.emulator", "must be true or false", "emulator: false"),
    Broken("empty value", "mode: live", "mode:", "mode:", "connections.crm.mode", "must be one of: shadow, live",
           "shadow"),
    Broken("wrong choice", "mode: live", "mode: lve", "mode: lve", "connections.crm.mode", "`lve` is not known",
           "Did you mean `live`?"),
    Broken("wrong log level", "level: info", "level: chatty", "log", "log.level", "`chatty` is not known",
           "debug, info, warning, error"),
    Broken("tab", "    kind: salesforce", "\tkind: salesforce", "\tkind", "", "indented with a tab", "two spaces"),
    Broken("duplicate key", "mode: live", "mode: live\n    mode: shadow", "mode: shadow", "connections.crm.mode",
           "a second time; the first is on line 16", "Keep one"),
    Broken("duplicate section", "schedule:", "policy: other.yaml\nschedule:", "other.yaml", "policy",
           "a second time", "Keep one"),
    Broken("unclosed quote", "timezone: Europe/London", "timezone: 'Europe/London", "timezone", "", "quotation mark",
           "Close it"),
    Broken("unclosed bracket", "roles: [direct]", "roles: [direct", "host:", "", "bracket", "Close it"),
    Broken("colon in a value", "policy: policy.yaml", "policy: a: b", "policy", "", "colon", "quotes"),
    Broken("reference in braces without quotes", '"${env:PRM_TOKEN}"', "${env:PRM_TOKEN}", "PRM_TOKEN", "", "brace",
           "quotes"),
    Broken("two documents", "schedule:", "---\nschedule:", "---", "", "second document", "one document"),
    Broken("unknown tag", "mode: live", "mode: !python/name live", "mode", "connections.crm.mode",
           "tag `!python/name` means nothing", "Remove it"),
    Broken("merge key", "    mode: live", "    <<: {mode: live}", "<<", "connections.crm", "plain word",
           "not supported"),
    Broken("value that contains itself", "log: {format: auto, level: info}", "log: &a {format: auto, level: *a}",
           "log", "log.level", "contains itself", "Write the values out"),
    Broken("environment variable not set", "${env:CRM_SECRET}", "${env:NOT_THERE}", "NOT_THERE",
           "connections.crm.auth.client_secret", "NOT_THERE is not set", "export NOT_THERE"),
    Broken("environment variable empty", "${env:CRM_SECRET}", "${env:BLANK}", "BLANK",
           "connections.crm.auth.client_secret", "BLANK is empty", "Give BLANK"),
    Broken("secret file missing", "${env:CRM_SECRET}", "${file:nowhere.txt}", "nowhere",
           "connections.crm.auth.client_secret", "no secret file nowhere.txt", "Create it"),
    Broken("secret file empty", "${env:CRM_SECRET}", "${file:empty.txt}", "empty.txt",
           "connections.crm.auth.client_secret", "empty.txt is empty", "Put the secret"),
    Broken("secret file is a folder", "${env:CRM_SECRET}", "${file:.}", "${file",
           "connections.crm.auth.client_secret", "cannot be read", "access rights"),
    Broken("secret file of several lines", "${env:CRM_SECRET}", "${file:lines.txt}", "lines.txt",
           "connections.crm.auth.client_secret", "lines.txt has several lines", "and nothing else"),
    Broken("secret file is the settings file", "${env:CRM_SECRET}", "${file:./syncd.yaml}", "./syncd.yaml",
           "connections.crm.auth.client_secret", "is this settings file itself", "and nothing else"),
    Broken("id from a file of several lines", "3MVG9.app", "${file:lines.txt}", "lines.txt",
           "connections.crm.auth.client_id", "lines.txt has several lines", "and nothing else"),
    Broken("database password from a file of several lines", "sqlite:///syncd.db",
           "postgresql+psycopg://u:${file:lines.txt}@h/d", "database", "database", "lines.txt has several lines",
           "and nothing else"),
    Broken("secret in plain", "${env:CRM_SECRET}", SECRET, "client_secret", "connections.crm.auth.client_secret",
           "stands here in plain", "${env:SYNCD_CLIENT_SECRET}"),
    Broken("token in plain", '"${env:PRM_TOKEN}"', SECRET, "token", "connections.prm.auth.token",
           "stands here in plain", "Then change the secret"),
    Broken("secret as a number", "${env:CRM_SECRET}", "123456", "client_secret",
           "connections.crm.auth.client_secret", "stands here in plain", "${env:"),
    Broken("reference half written", "${env:CRM_SECRET}", "$CRM_SECRET", "client_secret",
           "connections.crm.auth.client_secret", "not a secret reference", "${env:"),
    Broken("reference where none is read", "host: acme.my.salesforce.com",
           "api_version: ${env:V}\n    host: acme.my.salesforce.com", "api_version", "connections.crm.api_version",
           "is not accepted here", "write the value itself"),
    Broken("database password in plain", "sqlite:///syncd.db", f"postgresql+psycopg://u:{SECRET}@h/d", "database",
           "database", "stands here in plain", "${env:DB_PASSWORD}"),
    Broken("database password in the query", "sqlite:///syncd.db", f"postgresql+psycopg://u@h/d?password={SECRET}",
           "database", "database", "stands here in plain", "${env:DB_PASSWORD}"),
    Broken("whole database by reference", "sqlite:///syncd.db", "${env:DATABASE_URL}", "database", "database",
           "is not a database", "sqlite:///"),
    Broken("database of another maker", "sqlite:///syncd.db", "mysql://h/d", "database", "database",
           "is not a database", "sqlite:///"),
    Broken("database in memory", "sqlite:///syncd.db", "'sqlite:///:memory:'", "database", "database",
           "must name a file", "sqlite:///syncd.db"),
    Broken("database in no folder", "sqlite:///syncd.db", "sqlite:///no/where/s.db", "database", "database",
           "folder of the database file does not exist", "Create the folder"),
    Broken("http", "host: acme", "host: http://acme", "host", "connections.crm.host", "must be reached by https",
           "Write `acme"),
    Broken("host of nobody", "acme.my.salesforce.com", "acme.my.salesforce.com.evil.example", "host",
           "connections.crm.host", "is not a host of Salesforce", "acme.my.salesforce.com"),
    Broken("host of a lookalike", "acme.my.salesforce.com", "acmemy.salesforce.com", "host", "connections.crm.host",
           "is not a host of Salesforce", "My Domain"),
    Broken("browser's host", "acme.my.salesforce.com", "acme.lightning.force.com", "host", "connections.crm.host",
           "is not a host of Salesforce", "write `acme.my.salesforce.com`"),
    Broken("login host", "acme.my.salesforce.com", "login.salesforce.com", "host", "connections.crm.host",
           "is not a host of Salesforce", "acme--uat.sandbox"),
    Broken("user in the host", "acme.my.salesforce.com", f"joe:{SECRET}@acme.my.salesforce.com", "host",
           "connections.crm.host", "is not a host name", "My Domain"),
    Broken("path in the host", "acme.my.salesforce.com", "acme.my.salesforce.com/services", "host",
           "connections.crm.host", "is not a host name", "My Domain"),
    Broken("another host for HubSpot", "roles: [partner]", "roles: [partner]\n    host: app.hubspot.com",
           "app.hubspot", "connections.prm.host", "is not a host of HubSpot", "api.hubapi.com"),
    Broken("loopback without emulator", "acme.my.salesforce.com", "http://127.0.0.1:8001", "host",
           "connections.crm.host", "this very machine", "emulator: true"),
    Broken("emulator elsewhere", "http://127.0.0.1:8001", "http://10.0.0.5:8001", "host", "connections.crm.host",
           "not on this machine", "emulator serve", EMULATED),
    Broken("bad duration", "every: 60s", "every: 60 parsecs", "schedule", "schedule.every", "not a length of time",
           "`30s`"),
    Broken("duration without unit", "every: 60s", "every: 60", "schedule", "schedule.every", "not a length of time",
           "a number and a unit"),
    Broken("duration of nothing", "every: 60s", "every: 0s", "schedule", "schedule.every", "too short", "1s"),
    Broken("negative timeout", "mode: live", "timeout: -5", "timeout", "connections.crm.timeout",
           "not a length of time", "`30s`"),
    Broken("unknown time zone", "Europe/London", "Europe/Londn", "timezone", "timezone", "is not a time zone",
           "Europe/London"),
    Broken("day that does not exist", "2026-11-01", "2026-11-31", "go_live", "go_live", "is not a date", "2026-11-23"),
    Broken("day of long ago", "2026-11-01", "0026-11-01", "go_live", "go_live", "is not a date", "2026-11-23"),
    Broken("unknown kind", "kind: hubspot", "kind: hubspt", "hubspt", "connections.prm.kind",
           "`hubspt` is not known", "Did you mean `hubspot`?"),
    Broken("unknown role", "roles: [partner]", "roles: [partnr]", "partnr", "connections.prm.roles", "not a role",
           "Did you mean `partner`?"),
    Broken("roles twice", "roles: [direct]", "roles: [direct, direct]", "direct, direct", "connections.crm.roles",
           "names a role twice", "[direct]"),
    Broken("both and more", "roles: [direct]", "roles: [both, direct]", "both", "connections.crm.roles",
           "names a role twice", "[both]"),
    Broken("no direct", "roles: [direct]", "roles: [partner]", "connections", "connections",
           "no connection has the role direct", "roles: [direct]"),
    Broken("two direct", "roles: [partner]", "roles: [both]", "[both]", "connections.prm.roles",
           "a second connection with the role direct; the first is `crm`", "Keep one"),
    Broken("no partner", "roles: [both]", "roles: [direct]", "connections", "connections",
           "no connection has the role partner", "roles: [partner]", EMULATED),
    Broken("name with capitals", "  prm:", "  PRM:", "PRM:", "connections.PRM", "not a usable name", "small letters"),
    Broken("flow of another kind", '{flow: token, token: "${env:PRM_TOKEN}"}', "{flow: client_credentials}",
           "{flow: client_credentials}", "connections.prm.auth.flow", "not offered for hubspot", "Known: token"),
    Broken("flow misspelt", "flow: client_credentials", "flow: client_credential", "flow:",
           "connections.crm.auth.flow", "not offered for salesforce", "Did you mean `client_credentials`?"),
    Broken("flow missing", "      flow: client_credentials\n", "", "auth", "connections.crm.auth", "by which `flow`",
           "Add `flow:"),
    Broken("ownership of a portal", "authority: syncd", "ownership: enforce", "enforce", "connections.prm.ownership",
           "no meaning here", "Remove"),
    Broken("authority of a direct CRM", "mode: live", "authority: source", "authority: source",
           "connections.crm.authority", "no meaning here", "Remove"),
    Broken("API too old", "mode: live", "api_version: 31.0", "api_version", "connections.crm.api_version",
           "not a version", "68.0"),
    Broken("API of the future", "authority: syncd", "api_version: 2031-03", "api_version",
           "connections.prm.api_version", "not a version", "2026-09"),
    Broken("heartbeat half said", "mode: live", "heartbeat: {object: A__c, id: a00}", "heartbeat",
           "connections.crm.heartbeat.field", "`field` is missing", "Add `field:"),
    Broken("policy file missing", "policy: policy.yaml", "policy: polcy.yaml", "policy", "policy",
           "no file `polcy.yaml`", "Correct the path"),
    Broken("mapping file missing", "mapping: prm.yaml", "mapping: nope.yaml", "nope", "connections.prm.mapping",
           "no file `nope.yaml`", "create the file"),
    Broken("no connections", GOOD[GOOD.index("  crm:") : GOOD.index("schedule")], "  {}\n", "connections",
           "connections", "names no connection", "Add at least"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text("approval: automatic\n")
    (tmp_path / "crm.yaml").write_text("streams: {}\n")
    (tmp_path / "prm.yaml").write_text("streams: {}\n")
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "lines.txt").write_text(f"# the secret\n{SECRET}\n")
    return tmp_path


def problems_of(folder: Path, text: str | bytes) -> tuple[Problem, ...]:
    path = folder / "syncd.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as caught:
        load_settings(path, ENV)
    assert SECRET not in str(caught.value) + repr(caught.value.problems)
    return caught.value.problems


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_files_that_are_broken_below_are_good(folder: Path) -> None:
    for text in (GOOD, EMULATED):
        (folder / "syncd.yaml").write_text(text)
        load_settings(folder / "syncd.yaml", ENV)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_gets_one_clear_message(case: Broken, folder: Path) -> None:
    assert case.old in case.base
    text = case.base.replace(case.old, case.new, 1)
    found = problems_of(folder, text)
    assert len(found) == 1, [str(problem) for problem in found]
    (problem,) = found
    assert problem.file == str(folder / "syncd.yaml")
    assert problem.line == line_of(text, case.at)
    assert problem.key == case.key
    assert case.message in problem.message
    assert case.remedy in problem.remedy
    assert "Input should" not in str(problem)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the file is empty"),
        (b"# nothing but a remark\n", "the file is empty"),
        (b"- version: 1\n", "the file has no keys"),
        (b"just words\n", "the file has no keys"),
        ("version: 1\n".encode("utf-16"), "not UTF-8"),
        (b"version: \x00\n", "a character that YAML does not allow"),
        (b"a: " + b"[" * 600, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_settings_file_is_said_to_be_so(text: bytes, message: str, folder: Path) -> None:
    (problem,) = problems_of(folder, text)
    assert message in problem.message


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "none.yaml", "there is no such file"), (tmp_path, "this is a folder")):
        with pytest.raises(UserError) as caught:
            load_settings(path, ENV)
        assert message in str(caught.value)


def test_every_mistake_is_reported_at_once(folder: Path) -> None:
    text = (
        GOOD.replace("timezone:", "timezon:")
        .replace("[direct]", "[partner]")
        .replace("every: 60s", "every: soon")
        .replace("mode: live", "mode: live\n    mode: live")
        .replace("${env:CRM_SECRET}", SECRET)
        .replace("kind: hubspot", "kind: hub")
        .replace("policy: policy.yaml", "policy: none.yaml")
    )
    keys = [problem.key for problem in problems_of(folder, text)]
    assert keys == [
        "timezon",
        "policy",
        "connections",
        "connections.crm.auth.client_secret",
        "connections.crm.mode",
        "connections.prm.kind",
        "schedule.every",
    ]


def test_an_emulator_beside_a_real_connection_is_refused(folder: Path) -> None:
    text = GOOD.replace("acme.my.salesforce.com", "http://localhost:8001\n    emulator: true")
    (problem,) = problems_of(folder, text)
    assert problem.key == "connections.crm.emulator"
    assert "beside a real connection (`prm`)" in problem.message


def test_the_same_org_in_two_connections_is_refused(folder: Path) -> None:
    block = GOOD[GOOD.index("  crm:") : GOOD.index("  prm:")]
    again = block.replace("crm:", "again:", 1).replace("direct", "partner").replace("ownership: off\n", "")
    (problem,) = problems_of(folder, GOOD.replace("  prm:", again.rstrip() + "\n  prm:"))
    assert problem.key == "connections.again.host"
    assert "org of the connection `crm`" in problem.message


@pytest.mark.parametrize("key", ["policy.yaml", "crm.yaml"])
def test_files_that_include_each_other_in_a_circle_are_reported_where_the_circle_closes(key: str, folder: Path) -> None:
    (folder / key).write_text("include: b.yaml\n")
    (folder / "b.yaml").write_text("# first\ninclude: c.yaml\n")
    (folder / "c.yaml").write_text("x: 1\n\ninclude: b.yaml\n")
    (problem,) = problems_of(folder, GOOD)
    assert (problem.file, problem.line, problem.key) == (str(folder / "c.yaml"), 3, "include")
    assert "b.yaml -> c.yaml -> b.yaml" in problem.message
    assert "Take out one" in problem.remedy


def test_a_named_file_that_is_no_yaml_is_reported_under_its_own_name(folder: Path) -> None:
    (folder / "crm.yaml").write_text("streams:\n\taccounts: {}\n")
    (problem,) = problems_of(folder, GOOD)
    assert (problem.file, problem.line) == (str(folder / "crm.yaml"), 2)
    assert "tab" in problem.message


def test_a_secret_in_any_line_is_never_repeated(folder: Path) -> None:
    lines = GOOD.splitlines()
    for number, line in enumerate(lines):
        name, colon, value = line.partition(": ")
        if colon and value:
            broken = [*lines[:number], f"{name}: {SECRET}", *lines[number + 1 :]]
            (folder / "syncd.yaml").write_text("\n".join(broken))
            try:
                settings = load_settings(folder / "syncd.yaml", ENV)
            except UserError as error:
                shown = str(error).replace(f"no file `{SECRET}`", "")  # a path has to be named
                assert SECRET not in shown
            else:
                assert name.strip() == "client_id", "only an id may be anything"
                assert settings.connections
