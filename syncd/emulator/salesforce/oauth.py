"""OAuth 2.0 as the org speaks it: client credentials, refresh token, user info, revocation; and who a token is."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from syncd.emulator.http import Call, Refused, Reply
from syncd.emulator.salesforce.errors import refused
from syncd.emulator.salesforce.store import INTEGRATION, Org

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"


@dataclass(slots=True)
class Tokens:
    """The app's credentials and the access tokens that are valid now; all follow from the seed."""

    org: Org
    org_id: str
    client_id: str = ""
    client_secret: str = ""
    access_token: str = ""
    refresh_token: str = ""
    valid: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.client_id = f"3MVG9{self._letters(80)}"
        self.client_secret = f"{self.org.random.getrandbits(256):064X}"
        self.refresh_token = f"5Aep861{self._letters(80)}"
        self.access_token = self.issue()

    def issue(self) -> str:
        """A new access token."""
        token = f"{self.org_id[:15]}!AQ{self._letters(94)}"
        self.valid.add(token)
        return token

    def _letters(self, count: int) -> str:
        return "".join(self.org.random.choices(_ALPHABET, k=count))

    def user_of(self, call: Call) -> str:
        """The username behind the request's token, or 401."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "oauth") or token.strip() not in self.valid:
            raise refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return INTEGRATION


class OAuth:
    """The resources below /services/oauth2."""

    def __init__(self, org: Org, tokens: Tokens) -> None:
        self._org, self._tokens = org, tokens

    def token(self, call: Call) -> Reply:
        """POST /services/oauth2/token"""
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        grant = form.get("grant_type", "")
        if grant not in ("client_credentials", "refresh_token"):
            raise _error("unsupported_grant_type", "grant type not supported")
        self._check_client(form, _basic(call), secret_needed=grant == "client_credentials")
        if grant == "refresh_token" and not _same(form.get("refresh_token", ""), self._tokens.refresh_token):
            raise _error("invalid_grant", "expired access/refresh token")
        return Reply.json(self._grant(call), Cache_Control="no-store")

    def _check_client(self, form: dict[str, str], basic: tuple[str, str] | None, secret_needed: bool) -> None:
        client_id, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
        if not _same(client_id, self._tokens.client_id):
            raise _error("invalid_client_id", "client identifier invalid")
        if (secret or secret_needed) and not _same(secret, self._tokens.client_secret):
            raise _error("invalid_client", "invalid client credentials")

    def _grant(self, call: Call) -> dict[str, str]:
        url = instance_url(call)
        return {
            "access_token": self._tokens.issue(),
            "signature": base64.b64encode(self._org.random.randbytes(32)).decode(),
            "scope": "api",
            "instance_url": url,
            "id": f"{url}/id/{self._tokens.org_id}/{self._org.integration_user}",
            "token_type": "Bearer",
            "issued_at": str(int(self._org.clock.now().timestamp() * 1000)),
            "api_instance_url": url,
        }

    def user_info(self, call: Call) -> Reply:
        """GET and POST /services/oauth2/userinfo"""
        username = self._tokens.user_of(call)
        call.by = username
        table = self._org.tables["User"]
        user = table.as_dict(table.rows[self._org.integration_user], self._org.objects["User"].fields)
        return Reply.json(
            {
                "sub": f"{instance_url(call)}/id/{self._tokens.org_id}/{user['Id']}",
                "user_id": user["Id"],
                "organization_id": self._tokens.org_id,
                "preferred_username": username,
                "nickname": user["Alias"] or username,
                "name": user["Name"],
                "email": user["Email"],
                "email_verified": True,
                "given_name": user["FirstName"],
                "family_name": user["LastName"],
                "zoneinfo": user["TimeZoneSidKey"] or "UTC",
                "active": True,
                "user_type": "STANDARD",
                "language": user["LanguageLocaleKey"] or "en_US",
                "locale": user["LocaleSidKey"] or "en_US",
                "utcOffset": 0,
                "is_app_installed": True,
            }
        )

    def revoke(self, call: Call) -> Reply:
        """POST /services/oauth2/revoke"""
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"))) | call.params()
        if form.get("token") not in self._tokens.valid:
            raise _error("unsupported_token_type", "this token type is not supported")
        self._tokens.valid.discard(form["token"])
        return Reply(200)


def instance_url(call: Call) -> str:
    """The base URL under which the client reached us."""
    return f"http://{call.headers.get('host', '127.0.0.1')}"


def _error(code: str, description: str) -> Refused:
    return Refused(Reply.json({"error": code, "error_description": description}, 400))


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
