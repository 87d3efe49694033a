"""Tokens of the portal: scopes of static ones, and OAuth with its half hours, refreshing and revoking."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from .conftest import Served, serving

MINUTE = timedelta(minutes=1)


def token(served: Served, version: str = "2026-09", **form: str) -> requests.Response:
    """Ask the token endpoint as the app does, without any credential in a header."""
    endpoint = served.endpoints["hubspot"]
    app = {"client_id": endpoint["client_id"], "client_secret": endpoint["client_secret"]}
    return requests.post(f"{endpoint['base_url']}/oauth/{version}/token", data=app | form, timeout=20)


def refreshed(served: Served, refresh: str | None = None, version: str = "2026-09") -> dict[str, Any]:
    wanted = refresh or served.endpoints["hubspot"]["refresh_token"]
    answer = token(served, version, grant_type="refresh_token", refresh_token=wanted)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def status(served: Served, access: str, path: str = "companies/101", **body: Any) -> int:
    """How a read, or a write of the body, is answered for a token."""
    method = "PATCH" if body else "GET"
    return served.hs(method, path, headers=bearer(access), json=body or None).status_code


# --- static tokens


def test_hs_scopes_are_checked_per_type(fresh: Served) -> None:
    access = fresh.emu.hubspot.add_token("narrow", ["crm.objects.companies.read", "crm.objects.companies.write"])
    change = {"properties": {"name": "x"}}
    assert status(fresh, access) == 200
    assert status(fresh, access, **change) == 200
    assert status(fresh, access, "deals/302") == 403
    assert status(fresh, access, "p_registration/401") == 403
    assert status(fresh, access, "/crm/owners/2026-09") == 403
    assert status(fresh, access, "/settings/currencies/2026-09/codes") == 403
    assert status(fresh, access, "/crm-object-schemas/2026-09/schemas") == 403
    assert status(fresh, access, "/account-info/2026-09/details") == 200  # every token may ask whose it is
    links = "/crm/associations/2026-09/companies/deals/batch/read"
    answer = fresh.hs.post(links, {"inputs": [{"id": "101"}]}, headers=bearer(access))
    assert answer.status_code == 403  # both types are needed
    scopes = answer.json()["errors"][0]["context"]["requiredGranularScopes"]
    assert scopes == ["crm.objects.deals.read", "crm.schemas.deals.read", "crm.objects.deals.sensitive.read.v2",
                      "crm.objects.deals.highly_sensitive.read.v2"]  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "path"),
    [("crm.objects.contacts.read", "notes"), ("crm.objects.contacts.read", "calls"), ("e-commerce", "line_items"),
     ("tickets", "tickets"), ("crm.objects.custom.read", "p_registration"), ("crm.objects.leads.read", "leads"),
     ("crm.objects.owners.read", "/crm/owners/2026-09"), ("crm.schemas.deals.read", "/crm/pipelines/2026-09/deals"),
     ("crm.objects.deals.read", "/crm/properties/2026-09/deals"),
     ("crm.schemas.custom.read", "/crm-object-schemas/2026-09/schemas"),
     ("settings.currencies.read", "/settings/currencies/2026-09/exchange-rates")],
)  # fmt: skip
def test_one_scope_is_enough_for(fresh: Served, scope: str, path: str) -> None:
    assert status(fresh, fresh.emu.hubspot.add_token("one", [scope]), path) == 200
    assert status(fresh, fresh.emu.hubspot.add_token("none", ["crm.objects.quotes.read"]), path) == 403


def test_a_token_can_be_taken_away(fresh: Served) -> None:
    access = fresh.endpoints["hubspot"]["access_token"]
    assert fresh.emu.hubspot.revoke_token(access)
    answer = fresh.hs.get("companies/101")
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    assert not fresh.emu.hubspot.revoke_token(access)


# --- OAuth


@pytest.mark.parametrize("version", ["v1", "v3", "2026-03", "2026-09"])
def test_hs_oauth_token_lives_half_an_hour(fresh: Served, version: str) -> None:
    answer = refreshed(fresh, version=version)
    assert (answer["expires_in"], answer["token_type"], answer["hub_id"]) == (1800, "bearer", 140_000_000)
    assert answer["user_id"] == 911
    access = answer["access_token"]
    assert status(fresh, access) == 200
    fresh.clock.advance(30 * MINUTE - timedelta(milliseconds=1))
    assert status(fresh, access) == 200
    fresh.clock.advance(timedelta(milliseconds=1))
    late = fresh.hs.get("companies/101", headers=bearer(access))
    assert (late.status_code, late.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert status(fresh, refreshed(fresh)["access_token"]) == 200


def test_a_refresh_does_not_end_the_token_before(fresh: Served) -> None:
    first, second = refreshed(fresh)["access_token"], refreshed(fresh)["access_token"]
    assert first != second
    assert (status(fresh, first), status(fresh, second)) == (200, 200)
    lengths = {len(refreshed(fresh)["access_token"]) for _ in range(10)}
    assert max(lengths) > 300  # tokens may be long, and their length changes
    assert len(lengths) > 5


def test_scopes_are_told_by_their_names(fresh: Served) -> None:
    wanted = {"crm.objects.companies.write", "crm.schemas.deals.read", "crm.objects.owners.read",
              "crm.objects.custom.read"}  # fmt: skip
    told = refreshed(fresh)["scopes"]
    assert wanted <= set(told)
    assert not [scope for scope in told if "*" in scope]


def test_hs_bad_refresh_token(fresh: Served) -> None:
    answer = token(fresh, grant_type="refresh_token", refresh_token="nonsense")
    assert answer.status_code == 400
    assert (answer.json()["status"], answer.json()["message"]) == (
        "BAD_REFRESH_TOKEN",
        "missing or invalid refresh token",
    )
    wrong = token(fresh, grant_type="refresh_token", client_secret="wrong")
    assert (wrong.status_code, wrong.json()["status"]) == (400, "BAD_CLIENT_ID")
    assert token(fresh, grant_type="password").status_code == 400


def test_hs_oauth_code_is_exchanged_once(fresh: Served) -> None:
    code = fresh.emu.hubspot.authorize(["crm.objects.companies.read", "oauth"], user="olga@example.com")
    answer = token(fresh, grant_type="authorization_code", code=code, redirect_uri="https://example.com")
    assert answer.json()["scopes"] == ["crm.objects.companies.read", "oauth"]
    assert status(fresh, answer.json()["access_token"]) == 200
    assert status(fresh, answer.json()["access_token"], "deals/302") == 403
    assert status(fresh, refreshed(fresh, answer.json()["refresh_token"])["access_token"]) == 200
    again = token(fresh, grant_type="authorization_code", code=code, redirect_uri="https://example.com")
    assert (again.status_code, again.json()["status"]) == (400, "BAD_AUTH_CODE")


def test_hs_client_credentials_give_the_app_a_token_without_refresh(fresh: Served) -> None:
    answer = token(fresh, grant_type="client_credentials", scope="developer.webhooks_journal.read").json()
    assert answer["scopes"] == ["developer.webhooks_journal.read"]
    assert "refresh_token" not in answer
    assert status(fresh, answer["access_token"]) == 403


def test_hs_introspect_and_revoke(fresh: Served) -> None:
    access = refreshed(fresh)["access_token"]
    refresh = fresh.endpoints["hubspot"]["refresh_token"]

    def at(path: str, text: str) -> requests.Response:
        endpoint = fresh.endpoints["hubspot"]
        form = {"client_id": endpoint["client_id"], "client_secret": endpoint["client_secret"], "token": text}
        return requests.post(f"{endpoint['base_url']}/oauth/2026-09/token/{path}", data=form, timeout=20)

    shown = at("introspect", access).json()
    assert (shown["active"], shown["token_use"], shown["hub_id"]) == (True, "access_token", 140_000_000)
    assert at("introspect", refresh).json()["token_use"] == "refresh_token"
    assert at("introspect", "nonsense").json() == {"active": False}
    assert at("revoke", refresh).status_code == 204
    assert token(fresh, grant_type="refresh_token", refresh_token=refresh).status_code == 400
    assert status(fresh, access) == 401  # what it bought goes with it
    assert at("introspect", access).json() == {"active": False}


def test_the_first_version_tells_about_tokens_by_path(fresh: Served) -> None:
    answer = refreshed(fresh)
    shown = fresh.hs.get(f"/oauth/v1/access-tokens/{answer['access_token']}").json()
    assert (shown["expires_in"], shown["hub_id"], shown["token_type"]) == (1800, 140_000_000, "access")
    path = f"/oauth/v1/refresh-tokens/{answer['refresh_token']}"
    assert fresh.hs.get(path).json()["client_id"] == fresh.endpoints["hubspot"]["client_id"]
    assert fresh.hs("DELETE", path).status_code == 204
    assert fresh.hs.get(path).status_code == 404


def test_hs_oauth_apps_have_their_own_burst_and_no_day(fresh: Served) -> None:
    access = refreshed(fresh)["access_token"]
    fresh.emu.hubspot.set_limits("professional")
    fresh.emu.hubspot.burn_quota(650_000)
    answer = fresh.hs.get("companies/101", headers=bearer(access))
    assert (answer.status_code, answer.headers["x-hubspot-ratelimit-max"]) == (200, "110")
    assert not [name for name in answer.headers if "daily" in name.lower()]
    passed = 1 + sum(status(fresh, access) == 200 for _ in range(120))
    assert passed == 110
    assert (
        fresh.hs.get("companies/101", headers=bearer(access)).json()["groupName"].startswith("publicapi:applications:")
    )


def test_hs_expired_token_category(tmp_path: Path, fresh: Served) -> None:
    access = refreshed(fresh)["access_token"]
    assert fresh.emu.hubspot.expire_token(access)
    assert fresh.hs.get("companies", headers=bearer(access)).json()["category"] == "EXPIRED_AUTHENTICATION"
    with serving(tmp_path, hubspot_expired_category="invalid") as served:
        access = refreshed(served)["access_token"]
        served.clock.advance(31 * MINUTE)
        answer = served.hs.get("companies", headers=bearer(access))
        assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


def test_hs_refresh_token_rotation(tmp_path: Path, fresh: Served) -> None:
    assert refreshed(fresh)["refresh_token"] == fresh.endpoints["hubspot"]["refresh_token"]
    with serving(tmp_path, hubspot_refresh_token="rotated") as served:
        first = refreshed(served)["refresh_token"]
        old = served.endpoints["hubspot"]["refresh_token"]
        assert first != old
        assert token(served, grant_type="refresh_token", refresh_token=old).status_code == 400
        assert status(served, refreshed(served, first)["access_token"]) == 200
