"""OAuth: grants, their errors, who is signed in, sessions that end."""

from __future__ import annotations

import base64

import pytest
import requests

from .conftest import Served


def token(served: Served, headers: dict[str, str] | None = None, **form: str) -> requests.Response:
    url = served.endpoints["salesforce"]["base_url"] + "/services/oauth2/token"
    return requests.post(url, data=form, headers=headers, timeout=20)


def client(served: Served) -> dict[str, str]:
    return {name: served.endpoints["salesforce"][name] for name in ("client_id", "client_secret")}


def test_client_credentials_give_a_working_token(shared: Served) -> None:
    answer = token(shared, grant_type="client_credentials", **client(shared))
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {
        "access_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
        "api_instance_url",
    }
    assert body["instance_url"] == shared.endpoints["salesforce"]["base_url"]
    assert body["issued_at"] == str(int(shared.clock.now().timestamp() * 1000))
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert shared.sf.get("limits", headers=headers).status_code == 200


def test_client_may_authenticate_by_basic(shared: Served) -> None:
    pair = ":".join(client(shared).values())
    headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    assert token(shared, headers, grant_type="client_credentials").status_code == 200


def test_refresh_token_is_exchanged(shared: Served) -> None:
    refresh = shared.endpoints["salesforce"]["refresh_token"]
    good = token(shared, grant_type="refresh_token", refresh_token=refresh, client_id=client(shared)["client_id"])
    assert "access_token" in good.json()
    bad = token(shared, grant_type="refresh_token", refresh_token="wrong", **client(shared))
    assert (bad.status_code, bad.json()) == (
        400, {"error": "invalid_grant", "error_description": "expired access/refresh token"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": "wrong"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
    ],
)
def test_wrong_client_is_refused(shared: Served, change: dict[str, str], error: str) -> None:
    answer = token(shared, **({"grant_type": "client_credentials", **client(shared)} | change))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_user_info_names_user_and_org(shared: Served) -> None:
    info = shared.sf.get("/services/oauth2/userinfo").json()
    (org,) = shared.sf.records("SELECT Id, Name FROM Organization")
    (user,) = shared.sf.records("SELECT Id FROM User WHERE Username = 'integration@example.com'")
    assert (info["organization_id"], info["user_id"]) == (org["Id"], user["Id"])
    assert info["preferred_username"] == shared.endpoints["salesforce"]["username"]
    assert info["organization_id"] == shared.endpoints["salesforce"]["organization_id"]


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic abc", "nonsense"])
def test_sf_bad_session_is_401(shared: Served, header: str) -> None:
    answer = shared.sf.get("limits", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_a_revoked_token_ends_the_session(fresh: Served) -> None:
    body = token(fresh, grant_type="client_credentials", **client(fresh)).json()
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    url = fresh.endpoints["salesforce"]["base_url"] + "/services/oauth2/revoke"
    assert requests.post(url, data={"token": body["access_token"]}, timeout=20).status_code == 200
    assert fresh.sf.get("limits", headers=headers).status_code == 401
    assert fresh.sf.get("limits").status_code == 200
