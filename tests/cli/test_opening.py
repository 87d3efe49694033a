"""How connections are opened: every way to sign in, certificates, one budget per org, and never another org."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncd.app import Doors, load_config
from syncd.connectors.budget import hubspot_budget, salesforce_budget
from syncd.connectors.credentials import StaticToken
from syncd.connectors.hubspot import HubSpotRefresh
from syncd.connectors.salesforce import (
    SalesforceClientCredentials,
    SalesforceRefreshToken,
    SalesforceSignedAssertion,
)
from syncd.demo.setup import shipped_config
from syncd.errors import UserError
from syncd.model import Checked
from syncd.settings import Settings
from syncd.store import runs
from syncd.store.database import Store

CRM = """    kind: salesforce
    roles: [direct]
    host: acme.my.salesforce.com
    mapping: salesforce.yaml
    auth: """
PRM = """    kind: hubspot
    roles: [partner]
    mapping: hubspot.yaml
    auth: """
TOKEN = '{flow: token, token: "${file:secret}"}'
FLOWS = {
    "client_credentials": '{flow: client_credentials, client_id: id, client_secret: "${file:secret}"}',
    "jwt": '{flow: jwt, client_id: id, username: syncd@acme.com, private_key: "${file:secret}", audience: test}',
    "refresh_token": '{flow: refresh_token, client_id: id, client_secret: "${file:secret}", '
    'refresh_token: "${file:secret}"}',
    "token": TOKEN,
}
KEY = 'credentials: {key: "${file:secret}"}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("mappings/salesforce.yaml", "mappings/hubspot.yaml", "policy.yaml"):
        (tmp_path / Path(name).name).write_text((shipped_config() / name).read_text())
    (tmp_path / "secret").write_text("shhh-1234\n")
    return tmp_path


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    with closing(Store(sqlite_url)) as made:
        yield made


def settings(folder: Path, connections: dict[str, str], more: str = KEY) -> Settings:
    text = "version: 1\ndatabase: sqlite:///state.db\ngo_live: 2026-11-01\npolicy: policy.yaml\nconnections:\n"
    text += "".join(f"  {name}:\n{section}\n" for name, section in connections.items())
    (folder / "syncd.yaml").write_text(text + more)
    return load_config(folder / "syncd.yaml").settings


def doors(folder: Path, store: Store, clock: Any, connections: dict[str, str]) -> tuple[Doors, Settings]:
    found = settings(folder, connections)
    return Doors(found, store, clock), found


@pytest.mark.parametrize(
    ("flow", "kind"),
    [
        ("client_credentials", SalesforceClientCredentials), ("jwt", SalesforceSignedAssertion),
        ("refresh_token", SalesforceRefreshToken), ("token", StaticToken),
    ],
)  # fmt: skip
def test_every_way_to_sign_in_to_salesforce(folder: Path, store: Store, clock: Any, flow: str, kind: type[Any]) -> None:
    """F24."""
    opened, found = doors(folder, store, clock, {"crm": CRM + FLOWS[flow], "prm": PRM + TOKEN})
    made = opened._salesforce_credentials("crm", found.connections["crm"])
    assert isinstance(made, kind)
    assert "shhh" not in repr(made)
    opened._salesforce("crm", found.connections["crm"]).close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("flow", "kind"), [("refresh_token", HubSpotRefresh), ("token", StaticToken)])
def test_every_way_to_sign_in_to_hubspot(folder: Path, store: Store, clock: Any, flow: str, kind: type[Any]) -> None:
    opened, found = doors(folder, store, clock, {"crm": CRM + TOKEN, "prm": PRM + FLOWS[flow]})
    made = opened._hubspot_credentials("prm", found.connections["prm"])
    assert isinstance(made, kind)
    assert "shhh" not in repr(made)


def test_a_refresh_token_needs_a_key_and_the_line_says_so(folder: Path) -> None:
    with pytest.raises(UserError) as caught:
        settings(folder, {"crm": CRM + FLOWS["refresh_token"], "prm": PRM + TOKEN}, more="")
    (problem,) = caught.value.problems
    assert problem.key == "connections.crm.auth.flow"
    assert "credentials: {key:" in problem.remedy


def test_hubspots_refresh_token_needs_the_apps_secret(folder: Path, store: Store, clock: Any) -> None:
    without = '{flow: refresh_token, client_id: id, refresh_token: "${file:secret}"}'
    opened, found = doors(folder, store, clock, {"crm": CRM + TOKEN, "prm": PRM + without})
    with pytest.raises(UserError, match="client_secret"):
        opened._hubspot_credentials("prm", found.connections["prm"])


def test_connections_of_one_org_share_one_budget_and_others_do_not(folder: Path, store: Store, clock: Any) -> None:
    """F29, F50."""
    other = TOKEN.replace("secret", "other")
    (folder / "other").write_text("another-1234\n")
    opened, found = doors(
        folder, store, clock,
        {"crm": CRM + TOKEN, "prm": PRM + TOKEN, "same": PRM + TOKEN, "else": PRM + other, "late": PRM + other},
    )  # fmt: skip
    of = {
        name: opened.budget(name, one, salesforce_budget if one.kind == "salesforce" else hubspot_budget)
        for name, one in found.connections.items()
    }
    assert of["prm"] is of["same"]
    assert of["else"] is of["late"]
    assert len({id(budget) for budget in of.values()}) == 3


def test_two_tokens_of_one_portal_share_its_calls_once_it_is_known(folder: Path, store: Store, clock: Any) -> None:
    (folder / "other").write_text("another-1234\n")
    opened, found = doors(
        folder, store, clock, {"crm": CRM + TOKEN, "prm": PRM + TOKEN, "new": PRM + TOKEN.replace("secret", "other")}
    )
    with store.append() as tx:
        runs.bind(tx, "prm", "hubspot", Checked("hubspot-4711", "Portal"), clock.now())
    assert opened.bound("prm") == "hubspot-4711"
    assert opened.bound("new") is None
    first = opened.budget("prm", found.connections["prm"], hubspot_budget)
    assert opened.budget("prm", found.connections["new"], hubspot_budget) is first


def test_a_bound_connection_refuses_another_org(folder: Path, store: Store, clock: Any) -> None:
    opened, found = doors(folder, store, clock, {"crm": CRM + TOKEN, "prm": PRM + TOKEN})
    with store.append() as tx:
        runs.bind(tx, "crm", "salesforce", Checked("salesforce-00D000000000001AAA", "Org"), clock.now())
    connector: Any = opened._salesforce("crm", found.connections["crm"])
    assert connector._org_id == "00D000000000001AAA"
    connector.close()


def test_certificates_are_trusted_where_the_settings_say_so(folder: Path, store: Store, clock: Any) -> None:
    import ssl

    (folder / "ca.pem").write_text("no certificate")
    section = CRM.replace("    auth: ", "    ca_file: ca.pem\n    auth: ")
    opened, found = doors(folder, store, clock, {"crm": section + TOKEN, "prm": PRM + TOKEN})
    with pytest.raises((UserError, ssl.SSLError)):
        opened._salesforce("crm", found.connections["crm"])


def test_nothing_is_read_from_the_state_before_there_is_one(folder: Path, clock: Any, tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path / 'none.db'}")) as store:
        opened, _ = doors(folder, store, clock, {"crm": CRM + TOKEN, "prm": PRM + TOKEN})
        assert opened.bound("crm") is None
        assert store.revision() is None
