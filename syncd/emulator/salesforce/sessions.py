"""Who may sign in, and which sessions are open: the app's credentials, access and refresh tokens, session policy."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from syncd.emulator.http import Call, Refused, Reply
from syncd.emulator.salesforce.errors import refused
from syncd.emulator.salesforce.store import Org
from syncd.emulator.variants import Variants

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"
TIMEOUT = timedelta(hours=2)
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=24)
NOT_FOR_REST = "This session is not valid for use with the REST API"


@dataclass(slots=True)
class Session:
    """One access token: whose it is, when it was last renewed, and the refresh token it came from."""

    user: str
    renewed: datetime
    refresh_token: str | None = None
    lasting: bool = False


class Tokens:
    """The connected app and its sessions. Credentials and tokens follow from the seed."""

    def __init__(self, org: Org, org_id: str, variants: Variants | None = None) -> None:
        self.org, self.org_id, self._variants = org, org_id, variants or Variants()
        self.client_id = f"3MVG9{self._letters(80)}"
        self.client_secret = f"{org.random.getrandbits(256):064X}"
        self.run_as = org.integration_user
        self.approved = {org.integration_user}
        self.certificates: list[Any] = []
        self.rotation, self.timeout, self.rest_allowed = False, TIMEOUT, True
        self._sessions: dict[str, Session] = {}
        self._refresh: dict[str, str] = {}
        self.refresh_token = self.issue_refresh(org.integration_user)
        self.access_token = self.issue(org.integration_user, lasting=True)

    # --- tokens

    def issue(self, user: str, refresh_token: str | None = None, lasting: bool = False) -> str:
        """A new access token of a user; a lasting one is not ended by the session policy."""
        opaque = lasting or self._variants.salesforce_access_token == "opaque"
        token = f"{self.org_id[:15]}!AQ{self._letters(94)}" if opaque else self._jwt(user)
        self._sessions[token] = Session(user, self.org.clock.now(), refresh_token, lasting)
        return token

    def issue_refresh(self, user: str) -> str:
        """A new refresh token of a user."""
        token = f"5Aep861{self._letters(80)}"
        self._refresh[token] = user
        return token

    def _jwt(self, user: str) -> str:
        issued = int(self.org.clock.now().timestamp())
        header = {"tnk": f"core/prod/{self.org_id}", "ver": "1.0", "kid": "CORE_AT", "tty": "sfdc-core-token",
                  "typ": "JWT", "alg": "RS256"}  # fmt: skip
        claims = {"scp": "api", "aud": ["https://api.salesforce.com"], "sub": f"uid:{user}", "nbf": issued,
                  "mty": "oauth", "sfi": self._letters(256), "roles": [], "hsc": False, "iat": issued,
                  "exp": issued + int(self.timeout.total_seconds()), "client_id": self.client_id}  # fmt: skip
        parts = (orjson.dumps(header), orjson.dumps(claims), self.org.random.randbytes(256))
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)

    def _letters(self, count: int) -> str:
        return "".join(self.org.random.choices(_ALPHABET, k=count))

    # --- refresh tokens

    def refreshed(self, refresh_token: str) -> tuple[str, str, str | None] | None:
        """User, access token and, under rotation, the next refresh token; None if the token is dead."""
        user = self._refresh.get(refresh_token)
        if user is None:
            return None
        following = None
        if self.rotation:
            del self._refresh[refresh_token]
            following = self.issue_refresh(user)
        return user, self.issue(user, following or refresh_token), following

    def revoke(self, token: str) -> bool:
        """End a session, or a refresh token with its sessions; False if the token is unknown."""
        if self._refresh.pop(token, None) is not None:
            self._sessions = {key: one for key, one in self._sessions.items() if one.refresh_token != token}
            return True
        return self._sessions.pop(token, None) is not None

    def expire_all(self) -> None:
        """End every session; refresh tokens stay."""
        self._sessions.clear()

    def limit_sessions(self, timeout: timedelta) -> None:
        """Set the policy; from now on it ends every session, also the one that was open from the start."""
        if not SHORTEST <= timeout <= LONGEST:
            raise ValueError("a session lasts from 15 minutes to 24 hours")
        self.timeout = timeout
        for session in self._sessions.values():
            session.lasting = False

    # --- who is calling

    def user_of(self, call: Call) -> str:
        """The username behind the request's token, or 401."""
        user = self.holder(call)
        if user is None:
            raise refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if not self.rest_allowed:
            raise refused(401, "INVALID_SESSION_ID", NOT_FOR_REST)
        return self.username(user)

    def holder(self, call: Call) -> str | None:
        """The id of the user whose valid token the request carries."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        session = self._sessions.get(token.strip()) if scheme.lower() in ("bearer", "oauth") else None
        if session is None or not self.active(session.user):
            return None
        return session.user if self._renewed(session) else None

    def _renewed(self, session: Session) -> bool:
        """Activity extends a session, but only in the second half of its time."""
        now = self.org.clock.now()
        idle = now - session.renewed
        if session.lasting:
            return True
        if idle >= self.timeout:
            return False
        if idle >= self.timeout / 2:
            session.renewed = now
        return True

    def active(self, user: str) -> bool:
        """Whether the user exists and is active."""
        row = self.org.tables["User"].rows.get(user)
        return row is not None and self.org.value("User", row, "IsActive") is not False

    def username(self, user: str) -> str:
        """The name under which a user signs in."""
        return str(self.org.value("User", self.org.tables["User"].rows[user], "Username"))

    def identity_of(self, call: Call) -> str:
        """The user of a request to the identity service, which refuses in its own words."""
        user = self.holder(call)
        if user is not None:
            return user
        if self._variants.salesforce_identity_refusal == "json_401":
            raise refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
        word = b"Bad_OAuth_Token" if "authorization" in call.headers else b"Missing_OAuth_Token"
        raise Refused(Reply(403, word, {"Content-Type": "text/html;charset=UTF-8"}))
