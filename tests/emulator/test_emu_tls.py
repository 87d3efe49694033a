"""Over https: a throw-away authority, trusted by its file alone, and the official clients as they are."""

from __future__ import annotations

import json
import signal
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import hubspot
import pytest
import requests
from simple_salesforce import Salesforce

from syncd.emulator import Emulator

from .conftest import ACME, WORLD, frozen, write_world


@dataclass
class Secured:
    """An emulator served over https."""

    emu: Emulator
    endpoints: dict[str, dict[str, str]]
    ca_file: str


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    emu = Emulator.load(write_world(tmp_path, WORLD), clock=frozen())
    with emu.serve(tls=True) as endpoints:
        yield Secured(emu, endpoints, endpoints["salesforce"]["ca_file"])


def test_all_three_servers_speak_https_by_one_authority(secured: Secured) -> None:
    for name, path in (("salesforce", "/services/data"), ("hubspot", "/nothing"), ("admin", "/state")):
        endpoint = secured.endpoints[name]
        assert (urlsplit(endpoint["base_url"]).scheme, endpoint["ca_file"]) == ("https", secured.ca_file)
        headers = {"Authorization": f"Bearer {endpoint.get('token')}"}
        answer = requests.get(endpoint["base_url"] + path, headers=headers, verify=secured.ca_file, timeout=20)
        assert answer.status_code == (404 if name == "hubspot" else 200)


def test_who_does_not_know_the_authority_is_not_answered(secured: Secured) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(secured.endpoints["salesforce"]["base_url"] + "/services/data", timeout=20)
    plain = secured.endpoints["salesforce"]["base_url"].replace("https:", "http:")
    with pytest.raises(requests.ConnectionError):
        requests.get(plain + "/services/data", timeout=20)


def test_the_certificate_is_valid_for_names_and_addresses_of_this_machine(secured: Secured) -> None:
    port = urlsplit(secured.endpoints["hubspot"]["base_url"]).port
    for host in ("localhost", "127.0.0.1"):
        answer = requests.get(f"https://{host}:{port}/nothing", verify=secured.ca_file, timeout=20)
        assert answer.status_code == 404


def test_the_file_holds_no_key_in_a_private_folder_and_is_removed(tmp_path: Path) -> None:
    with Emulator.empty().serve(tls=True) as endpoints:
        path = Path(endpoints["admin"]["ca_file"])
        assert ssl.PEM_cert_to_DER_cert(path.read_text())
        assert "PRIVATE" not in path.read_text()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.parent.exists()


def test_without_tls_there_is_no_authority(tmp_path: Path) -> None:
    with Emulator.empty().serve() as endpoints:
        assert [urlsplit(one["base_url"]).scheme for one in endpoints.values()] == ["http"] * 3
        assert not any("ca_file" in one for one in endpoints.values())


def test_connections_break_over_https_too(secured: Secured) -> None:
    url = secured.endpoints["salesforce"]["base_url"] + "/services/data"
    for mode in ("drop_before", "truncate"):
        secured.emu.fail("salesforce", mode, reset=True, after_bytes=5)  # type: ignore[arg-type]
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            requests.get(url, verify=secured.ca_file, timeout=20)
    assert requests.get(url, verify=secured.ca_file, timeout=20).status_code == 200


def test_simple_salesforce_works_with_the_file_trusted(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = secured.endpoints["salesforce"]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", secured.ca_file)
    with requests.Session() as session:
        client = Salesforce(
            instance_url=endpoint["base_url"], session_id=endpoint["access_token"], version="68.0", session=session
        )
        assert client.Account.get(ACME)["Name"] == "Acme Ltd"
        assert client.Account.update(ACME, {"Name": "By client"}) == 204
        found = client.query_all("SELECT Id, Name FROM Account ORDER BY Name")
        assert [one["Name"] for one in found["records"]] == ["beta gmbh", "By client"]
        created = client.Account.create({"Name": "New"})
        assert client.Account.delete(created["id"]) == 204


def test_the_hubspot_client_works_with_the_file_trusted(secured: Secured) -> None:
    endpoint = secured.endpoints["hubspot"]
    client = hubspot.HubSpot(
        access_token=endpoint["access_token"], host=endpoint["base_url"], ssl_ca_cert=secured.ca_file
    )
    assert [one.id for one in client.crm.companies.get_all()] == ["101", "102", "103"]
    created = client.crm.companies.basic_api.create({"properties": {"name": "New"}})
    found = client.crm.companies.batch_api.read({"inputs": [{"id": created.id}], "properties": ["name"]})
    assert found.results[0].properties["name"] == "New"


def test_the_command_serves_https_and_takes_its_file_away(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "syncd.emulator", "--tls"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        endpoints = json.loads(process.stdout.readline())
        ca_file = endpoints["salesforce"]["ca_file"]
        assert {one["ca_file"] for one in endpoints.values()} == {ca_file}
        url = f"{endpoints['admin']['base_url']}/state"
        headers = {"Authorization": f"Bearer {endpoints['admin']['token']}"}
        assert requests.get(url, headers=headers, verify=ca_file, timeout=20).json()["seed"] == 0
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert not Path(ca_file).parent.exists()
