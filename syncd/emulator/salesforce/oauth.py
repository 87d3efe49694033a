"""OAuth 2.0 as the org speaks it: grants, revocation, user info and the identity URL."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any
from urllib.parse import parse_qsl, unquote

from syncd.emulator.http import Call, Refused, Reply
from syncd.emulator.salesforce.sessions import Tokens
from syncd.emulator.salesforce.store import Org

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")


class OAuth:
    """The resources below /services/oauth2, and /id."""

    def __init__(self, org: Org, tokens: Tokens) -> None:
        self._org, self._tokens = org, tokens
        self._grants = {
            "client_credentials": self._client_credentials, "refresh_token": self._refresh_token,
            JWT_BEARER: self._jwt_bearer,
        }  # fmt: skip

    # --- grants

    def token(self, call: Call) -> Reply:
        """POST /services/oauth2/token"""
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        grant = self._grants.get(form.get("grant_type", ""))
        if grant is None:
            raise _error("unsupported_grant_type", "grant type not supported")
        return Reply.json(grant(call, form), Cache_Control="no-store")

    def _client_credentials(self, call: Call, form: dict[str, str]) -> dict[str, str]:
        self._check_client(call, form, secret_needed=True)
        user = self._active(self._tokens.run_as)
        return self._signed(call) | self._granted(call, user, self._tokens.issue(user))

    def _refresh_token(self, call: Call, form: dict[str, str]) -> dict[str, str]:
        self._check_client(call, form, secret_needed=False)
        found = self._tokens.refreshed(form.get("refresh_token", ""))
        if found is None:
            raise _error("invalid_grant", "expired access/refresh token")
        user, token, following = found
        granted = self._signed(call) | self._granted(call, self._active(user), token)
        return granted | ({} if following is None else {"refresh_token": following})

    def _jwt_bearer(self, call: Call, form: dict[str, str]) -> dict[str, str]:
        from syncd.emulator.salesforce import assertion  # its cryptography takes long to load and is seldom needed

        audiences = (*LOGIN_HOSTS, instance_url(call))
        now, keys = self._org.clock.now(), self._tokens.certificates
        try:
            claims = assertion.verified(form.get("assertion", ""), keys, audiences, now)
        except assertion.Invalid as error:
            raise _error("invalid_grant", str(error)) from None
        if not _same(claims.issuer, self._tokens.client_id):
            raise _error("invalid_client_id", "client identifier invalid")
        user = self._org.user_id(claims.subject)
        if user is None or user not in self._tokens.approved:
            raise _error("invalid_grant", "user hasn't approved this consumer")
        return self._granted(call, self._active(user), self._tokens.issue(user))

    def _check_client(self, call: Call, form: dict[str, str], secret_needed: bool) -> None:
        client_id, secret = _basic(call) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not _same(client_id, self._tokens.client_id):
            raise _error("invalid_client_id", "client identifier invalid")
        if (secret or secret_needed) and not _same(secret, self._tokens.client_secret):
            raise _error("invalid_client", "invalid client credentials")

    def _active(self, user: str) -> str:
        if not self._tokens.active(user):
            raise _error("invalid_grant", "inactive user")
        return user

    def _granted(self, call: Call, user: str, token: str) -> dict[str, str]:
        url = instance_url(call)
        return {
            "access_token": token,
            "scope": "api",
            "instance_url": url,
            "id": self._identity_url(call, user),
            "token_type": "Bearer",
            "api_instance_url": url,
        }

    def _signed(self, call: Call) -> dict[str, str]:
        """What the flows of the web add; the JWT bearer flow leaves it out."""
        issued = str(int(self._org.clock.now().timestamp() * 1000))
        return {"signature": base64.b64encode(self._org.random.randbytes(32)).decode(), "issued_at": issued}

    def revoke(self, call: Call) -> Reply:
        """POST and GET /services/oauth2/revoke"""
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"))) | call.params()
        if not self._tokens.revoke(form.get("token", "")):
            raise _error("unsupported_token_type", "this token type is not supported")
        return Reply(200)

    # --- identity

    def user_info(self, call: Call) -> Reply:
        """GET and POST /services/oauth2/userinfo"""
        user = self._signed_in(call)
        url, id_ = instance_url(call), user["Id"]
        picture = f"{url}/profilephoto/005/F"
        return Reply.json(
            {
                "sub": self._identity_url(call, id_),
                "user_id": id_,
                "organization_id": self._tokens.org_id,
                "preferred_username": user["Username"],
                "nickname": user["Alias"] or user["Username"],
                "name": user["Name"],
                "email": user["Email"],
                "email_verified": True,
                "given_name": user["FirstName"],
                "family_name": user["LastName"],
                "zoneinfo": user["TimeZoneSidKey"] or "UTC",
                "photos": {"picture": picture, "thumbnail": f"{url}/profilephoto/005/T"},
                "profile": f"{url}/{id_}",
                "picture": picture,
                "address": {},
                "is_salesforce_integration_user": False,
                "urls": self._urls(call, id_),
                "active": True,
                "user_type": "STANDARD",
                "language": user["LanguageLocaleKey"] or "en_US",
                "locale": user["LocaleSidKey"] or "en_US",
                "utcOffset": 0,
                "updated_at": user["LastModifiedDate"],
                "is_app_installed": True,
            }
        )

    def identity(self, call: Call) -> Reply:
        """GET /id/{organization}/{user}"""
        user = self._signed_in(call)
        if call.args["organization"][:15] != self._tokens.org_id[:15]:
            raise Refused(Reply(403, b"Wrong_Org", {"Content-Type": "text/html;charset=UTF-8"}))
        if call.args["user"][:15] != user["Id"][:15]:
            raise Refused(Reply(404, b"Bad_Id", {"Content-Type": "text/html;charset=UTF-8"}))
        return Reply.json(
            {
                "id": self._identity_url(call, user["Id"]),
                "asserted_user": True,
                "user_id": user["Id"],
                "organization_id": self._tokens.org_id,
                "username": user["Username"],
                "nick_name": user["Alias"] or user["Username"],
                "display_name": user["Name"],
                "email": user["Email"],
                "email_verified": True,
                "first_name": user["FirstName"],
                "last_name": user["LastName"],
                "timezone": user["TimeZoneSidKey"] or "UTC",
                "photos": {},
                "urls": self._urls(call, user["Id"]),
                "active": True,
                "user_type": "STANDARD",
                "language": user["LanguageLocaleKey"] or "en_US",
                "locale": user["LocaleSidKey"] or "en_US",
                "utcOffset": 0,
                "last_modified_date": user["LastModifiedDate"],
                "is_app_installed": True,
            }
        )

    def _signed_in(self, call: Call) -> dict[str, Any]:
        id_ = self._tokens.identity_of(call)
        call.by = self._tokens.username(id_)
        table = self._org.tables["User"]
        return table.as_dict(table.rows[id_], self._org.objects["User"].fields)

    def _identity_url(self, call: Call, user: str) -> str:
        return f"{instance_url(call)}/id/{self._tokens.org_id}/{user}"

    def _urls(self, call: Call, user: str) -> dict[str, str]:
        url, org = instance_url(call), self._tokens.org_id[:15]
        soap = {name: f"{url}/services/Soap/{letter}/{{version}}/{org}" for name, letter in _SOAP.items()}
        data = f"{url}/services/data/v{{version}}/"
        rest = {"rest": data, "sobjects": f"{data}sobjects/", "search": f"{data}search/", "query": f"{data}query/",
                "recent": f"{data}recent/", "profile": f"{url}/{user}"}  # fmt: skip
        return soap | rest


_SOAP = {"enterprise": "c", "metadata": "m", "partner": "u"}


def instance_url(call: Call) -> str:
    """The base URL under which the client reached us."""
    return f"{call.scheme}://{call.headers.get('host', '127.0.0.1')}"


def _error(code: str, description: str) -> Refused:
    return Refused(Reply.json({"error": code, "error_description": description}, 400, Cache_Control="no-store"))


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _basic(call: Call) -> tuple[str, str] | None:
    scheme, _, packed = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _error("invalid_client", "invalid client credentials") from None
    return unquote(name), unquote(secret)
