"""`syncd emulator serve` as a person at a terminal and a script meet it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.cli.main import run

ANYWHERE = ["--salesforce", "127.0.0.1:0", "--hubspot", "127.0.0.1:0"]
REPORT = (
    '"Account ID","Account Name","Employees","Tier"\n"001dM00003jU9Gx","Acme","12","Gold"\n'
    '"001dM00003jU9Gy","Beta","many","Gold"\n'
)


class Ended:
    """What a served command said on standard error, known when it has ended."""

    code: int
    errors: str


@contextmanager
def served(*words: str) -> Iterator[tuple[dict[str, Any], Ended]]:
    command = [sys.executable, "-m", "syncd", "emulator", "serve", *ANYWHERE, *words]
    ended = Ended()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), ended
        process.send_signal(signal.SIGTERM)
        rest, ended.errors = process.communicate(timeout=30)
        assert rest == ""
    ended.code = process.returncode


def state(endpoints: dict[str, Any], path: str = "/state") -> dict[str, Any]:
    admin = endpoints["admin"]
    answer = requests.get(
        admin["base_url"] + path, headers={"Authorization": f"Bearer {admin['token']}"}, timeout=20,
        verify=admin.get("ca_file", True),
    )  # fmt: skip
    found: dict[str, Any] = answer.json()
    return found


def test_own_exports_are_served_and_what_was_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "report1.csv").write_text(REPORT, encoding="utf-8")
    (tmp_path / "deals.csv").write_text("Record ID,Deal Name\n7,Big\n", encoding="utf-8")
    with served("--data", str(tmp_path), "--seed", "9", "--frozen", "2026-11-23T09:00:00Z") as (endpoints, ended):
        found = state(endpoints)
        assert (found["seed"], found["now"], found["frozen"]) == (9, "2026-11-23T09:00:00+00:00", True)
        assert (found["salesforce"]["Account"], found["hubspot"]["deals"]) == (1, 1)
    assert ended.code == 0
    assert f"kept out: {tmp_path}/report1.csv:3: NumberOfEmployees: not a number: 'many'" in ended.errors
    assert "report1.csv  Salesforce Account: 1 row, 1 kept out" in ended.errors
    assert "new fields: Tier__c (string)" in ended.errors


def test_https_a_tier_and_other_values_of_switches_can_be_asked_for() -> None:
    with served("--tls", "--tier", "starter", "--variant", "salesforce_locator=01g") as (endpoints, ended):
        hubspot = endpoints["hubspot"]
        answer = requests.get(
            f"{hubspot['base_url']}/crm/objects/2026-09/companies", timeout=20, verify=hubspot["ca_file"],
            headers={"Authorization": f"Bearer {hubspot['access_token']}"},
        )  # fmt: skip
        assert answer.headers["x-hubspot-ratelimit-max"] == "100"
        found = state(endpoints)
        assert (found["frozen"], found["variants"]["salesforce_locator"]) == (False, "01g")
    assert (ended.code, ended.errors) == (0, "")


def test_a_taken_port_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert run(["emulator", "serve", "--salesforce", "127.0.0.1:0", "--hubspot", address]) == 2
    told = capsys.readouterr().err
    assert f"{address} is taken" in told
    assert "give --hubspot another port" in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--frozen", "yesterday"], "--frozen yesterday: not a time with its zone"),
        (["--frozen", "2026-11-23T09:00:00"], "not a time with its zone"),
        (["--admin", "0.0.0.0:0"], "the admin API can do anything to the emulator and listens on loopback only"),
        (["--tier", "gold"], "gold"),
        (["--variant", "hubspot_merge_id=old"], "--variant: hubspot_merge_id cannot be 'old': one of new, primary."),
        (["--data", "/nowhere/at/all"], "/nowhere/at/all: no such folder"),
    ],
)
def test_wrong_options_are_explained(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulator", "serve", *ANYWHERE, *words]) == 2
    assert message in capsys.readouterr().err


def test_help_teaches_the_rehearsal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulator", "serve", "--help"]) == 0
    told = capsys.readouterr().out
    for word in ("syncd emulator serve --data exports", "--tls", "--tier", "--frozen", "--seed", "--admin"):
        assert word in told, word
