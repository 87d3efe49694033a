"""OAuth: grants, their errors, who is signed in, sessions that end."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .conftest import ADA, BETA, START, Served, serving


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


# --- sessions


def status(served: Served, access_token: str, path: str = "limits") -> int:
    return served.sf.get(path, headers={"Authorization": f"Bearer {access_token}"}).status_code


def signed_in(served: Served) -> str:
    found: str = token(served, grant_type="client_credentials", **client(served)).json()["access_token"]
    return found


def test_sf_session_ends_after_two_idle_hours(fresh: Served) -> None:
    access = signed_in(fresh)
    fresh.clock.advance(timedelta(hours=1, minutes=59))
    assert status(fresh, access) == 200
    fresh.clock.advance(timedelta(hours=2))
    answer = fresh.sf.get("limits", headers={"Authorization": f"Bearer {access}"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert fresh.sf.get("limits").status_code == 200  # the session open from the start has no policy yet


def test_sf_activity_extends_a_session_in_its_second_half_only(fresh: Served) -> None:
    fresh.emu.salesforce.set_session_timeout(30)
    early, late = signed_in(fresh), signed_in(fresh)
    fresh.clock.advance(timedelta(minutes=10))
    assert status(fresh, early) == 200
    fresh.clock.advance(timedelta(minutes=10))
    assert status(fresh, late) == 200
    fresh.clock.advance(timedelta(minutes=10))
    assert (status(fresh, early), status(fresh, late)) == (401, 200)
    fresh.clock.advance(timedelta(minutes=19))
    assert status(fresh, late) == 200  # 29 minutes after it was renewed
    assert fresh.sf.get("limits").status_code == 401
    with pytest.raises(ValueError, match="15 minutes"):
        fresh.emu.salesforce.set_session_timeout(5)


def test_tokens_may_be_expired_by_an_administrator(fresh: Served) -> None:
    access = signed_in(fresh)
    fresh.emu.salesforce.expire_tokens()
    assert (status(fresh, access), fresh.sf.get("limits").status_code) == (401, 401)
    assert status(fresh, signed_in(fresh)) == 200


def test_sf_a_session_may_be_unfit_for_rest(fresh: Served) -> None:
    fresh.emu.salesforce.allow_rest(False)
    answer = fresh.sf.get("limits")
    assert (answer.status_code, answer.json()) == (
        401, [{"message": "This session is not valid for use with the REST API", "errorCode": "INVALID_SESSION_ID"}],
    )  # fmt: skip
    assert status(fresh, signed_in(fresh)) == 401  # signing in again does not help


def test_sf_inactive_users_are_out(fresh: Served) -> None:
    access = fresh.emu.salesforce.sign_in("ada@example.com")
    refresh = fresh.emu.salesforce.authorize_app("ada@example.com")
    assert status(fresh, access) == 200
    fresh.emu.salesforce.edit("User", ADA, {"IsActive": False})
    assert status(fresh, access) == 401
    answer = token(fresh, grant_type="refresh_token", refresh_token=refresh, **client(fresh))
    assert answer.json() == {"error": "invalid_grant", "error_description": "inactive user"}


def test_a_token_writes_as_its_user(fresh: Served) -> None:
    headers = {"Authorization": f"Bearer {fresh.emu.salesforce.sign_in('ada@example.com')}"}
    fresh.sf.patch(f"sobjects/Account/{BETA}", {"Site": "HQ"}, headers=headers)
    assert [(one.by, one.after) for one in fresh.emu.changes] == [("ada@example.com", "HQ")]
    (row,) = fresh.sf.records(f"SELECT LastModifiedById FROM Account WHERE Id = '{BETA}'")
    assert row["LastModifiedById"] == ADA
    assert fresh.emu.requests[-2].by == "ada@example.com"


def test_client_credentials_run_as_the_chosen_user(fresh: Served) -> None:
    fresh.emu.salesforce.set_run_as("ada@example.com")
    headers = {"Authorization": f"Bearer {signed_in(fresh)}"}
    assert fresh.sf.get("/services/oauth2/userinfo", headers=headers).json()["user_id"] == ADA


# --- refresh tokens


def refreshed(served: Served, refresh: str) -> requests.Response:
    return token(served, grant_type="refresh_token", refresh_token=refresh, **client(served))


def test_sf_refresh_tokens_may_rotate(fresh: Served) -> None:
    old = fresh.endpoints["salesforce"]["refresh_token"]
    assert "refresh_token" not in refreshed(fresh, old).json()
    fresh.emu.salesforce.set_refresh_rotation(True)
    first = refreshed(fresh, old).json()
    assert first["refresh_token"] != old
    reused = refreshed(fresh, old)
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    second = refreshed(fresh, first["refresh_token"]).json()
    assert status(fresh, second["access_token"]) == 200


def test_sf_revoking_a_refresh_token_ends_its_sessions(fresh: Served) -> None:
    refresh = fresh.endpoints["salesforce"]["refresh_token"]
    access, other = refreshed(fresh, refresh).json()["access_token"], signed_in(fresh)
    url = fresh.endpoints["salesforce"]["base_url"] + "/services/oauth2/revoke"
    assert requests.get(url, params={"token": refresh}, timeout=20).status_code == 200
    assert (status(fresh, access), status(fresh, other)) == (401, 200)
    assert refreshed(fresh, refresh).json()["error"] == "invalid_grant"
    unknown = requests.post(url, data={"token": refresh}, timeout=20)
    assert (unknown.status_code, unknown.json()["error"]) == (400, "unsupported_token_type")


# --- JWT bearer


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
).decode()  # fmt: skip
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def assertion(served: Served, key: Any = KEY, algorithm: str = "RS256", **claims: Any) -> str:
    endpoint = served.endpoints["salesforce"]
    content = {
        "iss": endpoint["client_id"], "sub": endpoint["username"], "aud": "https://login.salesforce.com",
        "exp": int((served.clock.now() + timedelta(minutes=3)).timestamp()), **claims,
    }  # fmt: skip
    return jwt.encode(content, key, algorithm=algorithm)


def jwt_bearer(served: Served, signed: str) -> requests.Response:
    return token(served, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=signed)


def test_sf_jwt_bearer_buys_a_session(fresh: Served) -> None:
    fresh.emu.salesforce.register_certificate(PUBLIC)
    for audience in ("https://login.salesforce.com", "https://test.salesforce.com", fresh.sf.base):
        answer = jwt_bearer(fresh, assertion(fresh, aud=audience))
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"access_token", "scope", "instance_url", "id", "token_type", "api_instance_url"}
        assert status(fresh, answer.json()["access_token"]) == 200


def test_sf_jwt_bearer_takes_an_x509_certificate(fresh: Served) -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
        .serial_number(1).not_valid_before(START).not_valid_after(START + timedelta(days=365))
        .sign(KEY, hashes.SHA256())
    )  # fmt: skip
    fresh.emu.salesforce.register_certificate(certificate.public_bytes(serialization.Encoding.PEM).decode())
    assert jwt_bearer(fresh, assertion(fresh)).status_code == 200


def test_a_key_pair_can_be_had_from_the_org(fresh: Served) -> None:
    private = fresh.emu.salesforce.create_certificate()
    assert jwt_bearer(fresh, assertion(fresh, key=private)).status_code == 200
    with pytest.raises(ValueError, match=r"."):
        fresh.emu.salesforce.register_certificate("nonsense")


JWT_REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("another key", {"key": OTHER_KEY}, "invalid_grant", "invalid assertion"),
    ("a shared secret", {"key": "x" * 32, "algorithm": "HS256"}, "invalid_grant", "invalid assertion"),
    ("audience", {"aud": "https://example.com"}, "invalid_grant", "audience is invalid"),
    ("issuer", {"iss": "nobody"}, "invalid_client_id", "client identifier invalid"),
    ("unknown user", {"sub": "nobody@example.com"}, "invalid_grant", "user hasn't approved this consumer"),
    ("user not authorised", {"sub": "ada@example.com"}, "invalid_grant", "user hasn't approved this consumer"),
    ("expired", {"exp": int((START - timedelta(minutes=1)).timestamp())}, "invalid_grant", "invalid assertion"),
    ("valid too long", {"exp": int((START + timedelta(minutes=6)).timestamp())}, "invalid_grant", "invalid assertion"),
    ("no end", {"exp": None}, "invalid_grant", "invalid assertion"),
]


@pytest.mark.parametrize(
    ("changes", "error", "description"), [case[1:] for case in JWT_REFUSED], ids=[case[0] for case in JWT_REFUSED]
)
def test_sf_jwt_bearer_is_really_verified(fresh: Served, changes: dict[str, Any], error: str, description: str) -> None:
    fresh.emu.salesforce.register_certificate(PUBLIC)
    answer = jwt_bearer(fresh, assertion(fresh, **changes))
    assert (answer.status_code, answer.json()) == (400, {"error": error, "error_description": description})


def test_sf_jwt_bearer_needs_a_certificate_and_an_assertion(fresh: Served) -> None:
    assert jwt_bearer(fresh, assertion(fresh)).json()["error_description"] == "invalid assertion"
    fresh.emu.salesforce.register_certificate(PUBLIC)
    assert jwt_bearer(fresh, "nonsense").json()["error_description"] == "invalid assertion"


def test_sf_jwt_bearer_acts_for_users_that_are_approved(fresh: Served) -> None:
    fresh.emu.salesforce.register_certificate(PUBLIC)
    fresh.emu.salesforce.approve_user("ada@example.com")
    access = jwt_bearer(fresh, assertion(fresh, sub="ada@example.com")).json()["access_token"]
    headers = {"Authorization": f"Bearer {access}"}
    assert fresh.sf.get("/services/oauth2/userinfo", headers=headers).json()["user_id"] == ADA
    fresh.emu.salesforce.edit("User", ADA, {"IsActive": False})
    refused = jwt_bearer(fresh, assertion(fresh, sub="ada@example.com"))
    assert refused.json()["error_description"] == "inactive user"


# --- identity


def test_sf_identity_url_tells_who_signed_in(shared: Served) -> None:
    body = token(shared, grant_type="client_credentials", **client(shared)).json()
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    told = requests.get(body["id"], headers=headers, timeout=20).json()
    assert (told["id"], told["organization_id"]) == (body["id"], shared.endpoints["salesforce"]["organization_id"])
    assert (told["username"], told["active"]) == (shared.endpoints["salesforce"]["username"], True)
    org, user = body["id"].rsplit("/", 2)[1:]
    elsewhere = requests.get(body["id"].replace(org, "00D000000000009"), headers=headers, timeout=20)
    assert (elsewhere.status_code, elsewhere.text) == (403, "Wrong_Org")
    nobody = requests.get(body["id"].replace(user, "005000000000009"), headers=headers, timeout=20)
    assert (nobody.status_code, nobody.text) == (404, "Bad_Id")


def test_sf_identity_service_refuses_with_a_word(shared: Served, tmp_path: Path) -> None:
    path = "/services/oauth2/userinfo"
    bad = shared.sf.get(path, headers={"Authorization": "Bearer nonsense"})
    assert (bad.status_code, bad.text) == (403, "Bad_OAuth_Token")
    missing = requests.get(shared.sf.base + path, timeout=20)
    assert (missing.status_code, missing.text) == (403, "Missing_OAuth_Token")
    with serving(tmp_path, salesforce_identity_refusal="json_401") as other:
        bad = other.sf.get(path, headers={"Authorization": "Bearer nonsense"})
        assert (bad.status_code, bad.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


def test_sf_access_token_form(shared: Served, tmp_path: Path) -> None:
    assert signed_in(shared).startswith(shared.endpoints["salesforce"]["organization_id"][:15] + "!")
    with serving(tmp_path, salesforce_access_token="jwt") as other:
        access = signed_in(other)
        assert (len(access.split(".")), len(access) > 1000) == (3, True)
        assert jwt.decode(access, options={"verify_signature": False})["client_id"] == client(other)["client_id"]
        assert status(other, access) == 200
