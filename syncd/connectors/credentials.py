"""Access tokens: held in one place, renewed once for everybody, and never shown in a repr, an error or a log."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from threading import Lock
from urllib.parse import urlencode, urlsplit

from syncd.connectors.wire import Answer, Timeouts, Wire
from syncd.errors import AuthFailed, Retry, UserError

SALESFORCE_HOSTS = ("salesforce.com", "salesforce.mil")

# http.client shows a header that it cannot send in its error: a token with a line break would end up in a log
_SENDABLE = re.compile(r"[\x21-\x7e]+\Z")


class StaticToken:
    """A token that does not change: a HubSpot private app or service key."""

    calls = 0

    def __init__(self, token: str) -> None:
        if not _SENDABLE.match(token):
            raise UserError("The access token is empty or holds blanks or line breaks; copy it again.")
        self._token = token

    def token(self) -> str:
        """The token."""
        return self._token

    def renew(self, stale: str) -> str:
        """There is no other. Raises AuthFailed."""
        raise AuthFailed("The access token was refused; it is wrong, revoked or expired. Put a valid one in its place.")

    def __repr__(self) -> str:
        return "StaticToken(…)"


class SignedIn(ABC):
    """A token that has to be fetched; threads that want one together cause one sign-in, and share its failure."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._token: str | None = None
        self._attempts = 0
        self._refusal: AuthFailed | None = None
        self.calls = 0

    @abstractmethod
    def _obtain(self) -> str:
        """Sign in once. Raises AuthFailed or Retry."""

    def token(self) -> str:
        """The present token, fetched if there is none. Raises AuthFailed."""
        token = self._token
        return token if token is not None else self.renew("")

    def renew(self, stale: str) -> str:
        """A token other than `stale`. Raises AuthFailed."""
        attempts = self._attempts
        with self._lock:
            if self._token is not None and self._token != stale:
                return self._token
            if self._attempts != attempts and self._refusal is not None:
                raise AuthFailed(
                    str(self._refusal)
                )  # somebody tried while we waited; trying again would only lock the user out
            self._token = self._refusal = None
            try:
                self._token = self._obtain()
            except AuthFailed as refusal:
                self._refusal = refusal
                raise
            finally:
                self._attempts += 1
            return self._token

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class SalesforceClientCredentials(SignedIn):
    """The client credentials flow of an External Client App, at the org's own My Domain."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        *,
        emulator: bool = False,
        timeouts: Timeouts | None = None,
        ca_file: str | None = None,
    ) -> None:
        super().__init__()
        self._wire = Wire(base_url, hosts=SALESFORCE_HOSTS, emulator=emulator, timeouts=timeouts, ca_file=ca_file)
        self._client_id, self._client_secret = client_id, client_secret

    def _obtain(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        self.calls += 1
        answer = self._wire.send(
            "POST",
            "/services/oauth2/token",
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            urlencode(form).encode(),
        )
        content = answer.json_or_none()
        if not isinstance(content, dict):
            content = {}
        if answer.status >= 500 or answer.status == 429:
            raise Retry(f"Sign-in at {self._wire.host}: HTTP {answer.status}.")
        token = content.get("access_token")
        if answer.status != 200 or not isinstance(token, str) or not _SENDABLE.match(token):
            raise AuthFailed(_refused(self._wire.host, answer, content.get("error")))
        self._same_org(content.get("instance_url"))
        return token

    def _same_org(self, instance_url: object) -> None:
        if not isinstance(instance_url, str) or (urlsplit(instance_url).hostname or "").lower() == self._wire.host:
            return
        raise AuthFailed(
            f"{self._wire.host} signed us in at another address ({urlsplit(instance_url).hostname}). "
            "Set the connection's URL to the org's present My Domain."
        )


_REMEDIES = {
    "invalid_client_id": "The client id is not known in this org: check it, and that the app is enabled.",
    "invalid_client": "The client secret is wrong.",
    "invalid_grant": "The app has no run-as user for the client credentials flow, or that user is inactive.",
    "unsupported_grant_type": "The client credentials flow is not enabled in the app.",
}


def _refused(host: str, answer: Answer, error: object) -> str:
    code = error if isinstance(error, str) else f"HTTP {answer.status}"
    return f"{host} refused to sign us in: {code}. {_REMEDIES.get(code, '')}".rstrip()
