"""Signs in to Salesforce without a password: by client credentials, a signed assertion, or a refresh token.

Salesforce gives no life for a token. Tokens that a session policy governs live for two hours at first and are extended
by use, others are not; so age alone decides here: after three quarters of `session_length` a token is renewed, which is
sixteen sign-ins a day at most, and none while nothing is asked. What dies earlier is renewed when it is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from syncd.connectors.credentials import SENDABLE, SignedIn
from syncd.connectors.salesforce.ids import long_id
from syncd.connectors.wire import Answer, Timeouts, Wire
from syncd.errors import AuthFailed, Retry, UserError
from syncd.model import Clock, TokenVault

HOSTS = ("salesforce.com", "salesforce.mil")
SESSION_LENGTH = timedelta(hours=2)


class SalesforceSignIn(SignedIn):
    """What the flows of Salesforce have in common: the org's own token endpoint, and one org for ever."""

    def __init__(
        self,
        base_url: str,
        clock: Clock | None,
        *,
        emulator: bool = False,
        timeouts: Timeouts | None = None,
        ca_file: str | None = None,
        session_length: timedelta = SESSION_LENGTH,
    ) -> None:
        super().__init__(clock)
        self._wire = Wire(base_url, hosts=HOSTS, emulator=emulator, timeouts=timeouts, ca_file=ca_file)
        self._session_length = session_length
        self._org_id: str | None = None

    def close(self) -> None:
        """Close idle connections."""
        self._wire.close()

    def _post(self, form: Mapping[str, str]) -> Answer:
        self.calls += 1
        return self._wire.send(
            "POST",
            "/services/oauth2/token",
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            urlencode(form).encode(),
        )

    def _content(self, answer: Answer) -> Mapping[str, Any]:
        """What a successful answer holds. Raises AuthFailed or Retry for any other."""
        if answer.status >= 500 or answer.status == 429:
            raise Retry(f"Sign-in at {self._wire.host}: HTTP {answer.status}.")
        content = answer.json_or_none()
        if not isinstance(content, dict):
            content = {}
        token = content.get("access_token")
        if answer.status != 200 or not isinstance(token, str) or not SENDABLE.match(token):
            raise AuthFailed(self._why_refused(answer, content.get("error")))
        return content

    def _granted(self, content: Mapping[str, Any]) -> str:
        self._same_address(content.get("instance_url"))
        if (org_id := _org_of(content)) is not None:
            self.bind(org_id)
        self._lasts(self._session_length)
        return str(content["access_token"])

    def _same_address(self, instance_url: object) -> None:
        if not isinstance(instance_url, str) or (urlsplit(instance_url).hostname or "").lower() == self._wire.host:
            return
        raise AuthFailed(
            f"{self._wire.host} signed us in at another address ({urlsplit(instance_url).hostname}). "
            "Set the connection's URL to the org's present My Domain."
        )

    def bind(self, org_id: str) -> None:
        """Take tokens of this org only. Raises AuthFailed when it is not the one that they were taken of so far."""
        if self._org_id is not None and org_id != self._org_id:
            raise AuthFailed(other_org(self._wire.host, org_id, self._org_id))
        self._org_id = org_id

    def _why_refused(self, answer: Answer, error: object) -> str:
        code = error if isinstance(error, str) else f"HTTP {answer.status}"
        remedy = self.remedies.get(code) or _REMEDIES.get(code, "")
        return f"{self._wire.host} refused to sign us in: {code}. {remedy}".rstrip()

    remedies: Mapping[str, str] = {}


class SalesforceClientCredentials(SalesforceSignIn):
    """The client credentials flow of an External Client App, at the org's own My Domain."""

    remedies: Mapping[str, str] = {
        "invalid_grant": "The app has no run-as user for the client credentials flow, or that user is inactive.",
        "unsupported_grant_type": "The client credentials flow is not enabled in the app.",
    }

    def __init__(
        self, base_url: str, client_id: str, client_secret: str, *, clock: Clock | None = None, **options: Any
    ) -> None:
        super().__init__(base_url, clock, **options)
        self._client_id, self._client_secret = client_id, client_secret

    def _obtain(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        return self._granted(self._content(self._post(form)))


_AUDIENCES = {"login": "https://login.salesforce.com", "test": "https://test.salesforce.com"}
_ASSERTION_LIFE = timedelta(seconds=180)
_SKEW = timedelta(seconds=60)


class SalesforceSignedAssertion(SalesforceSignIn):
    """The JWT bearer flow: an assertion signed with our private key says as whom we work.

    `private_key` is in PEM form. `audience` is `login` for a production org, `test` for a sandbox, or an address.
    """

    remedies: Mapping[str, str] = {
        "invalid_grant": "The certificate in the app is not that of our key, the user is inactive or not allowed to "
        "use the app, or `audience` is wrong: `login` for production, `test` for a sandbox.",
        "unsupported_grant_type": "The JWT bearer flow is not enabled in the app.",
    }

    def __init__(
        self,
        base_url: str,
        client_id: str,
        username: str,
        private_key: str,
        clock: Clock,
        *,
        audience: str = "login",
        **options: Any,
    ) -> None:
        super().__init__(base_url, clock, **options)
        self._ours = clock
        self._client_id, self._username, self._private_key = client_id, username, private_key
        self._audience = _AUDIENCES.get(audience, audience)

    def _obtain(self) -> str:
        now = self._ours.now()
        answer = self._post(self._form(now))
        theirs = _date(answer)
        if answer.status == 400 and theirs is not None and abs(theirs - now) > _SKEW:
            answer = self._post(self._form(theirs))  # an assertion of our time has expired, or not begun, over there
        return self._granted(self._content(answer))

    def _form(self, now: datetime) -> dict[str, str]:
        import jwt  # loads cryptography, which a quick command should not pay for

        claims = {
            "iss": self._client_id,
            "sub": self._username,
            "aud": self._audience,
            "exp": int((now + _ASSERTION_LIFE).timestamp()),
        }
        try:
            assertion = jwt.encode(claims, self._private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise UserError(
                "The private key cannot be used: it must be an RSA key in PEM form without a passphrase."
            ) from None
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}


class SalesforceRefreshToken(SalesforceSignIn):
    """The refresh token flow. Where the org rotates tokens, the new one is kept before anything is done with its twin.

    While it is used the vault holds the token for us alone: two users of one rotating token would lock both out.
    """

    remedies: Mapping[str, str] = {
        "invalid_grant": "The refresh token is expired, revoked or used up; authorize the app once more.",
    }

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str | None,
        vault: TokenVault,
        *,
        clock: Clock | None = None,
        **options: Any,
    ) -> None:
        super().__init__(base_url, clock, **options)
        self._client = {"client_id": client_id, **({"client_secret": client_secret} if client_secret else {})}
        self._vault = vault

    def _obtain(self) -> str:
        with self._vault.held() as held:
            form = {"grant_type": "refresh_token", "refresh_token": held.value, **self._client}
            content = self._content(self._post(form))
            fresh = content.get("refresh_token")
            if isinstance(fresh, str) and fresh and fresh != held.value:
                held.replace(fresh)
        return self._granted(content)


_REMEDIES = {
    "invalid_client_id": "The client id is not known in this org: check it, and that the app is enabled.",
    "invalid_client": "The client secret is wrong.",
    "invalid_grant": "The user is inactive, or the app may not act for it.",
    "unsupported_grant_type": "This way to sign in is not enabled in the app.",
    "invalid_app_access": "The user is not allowed to use the app; assign the app's permission set to it.",
}


def other_org(host: str, found: str, bound: str) -> str:
    """What to say when another org answers than the one that the connection is bound to."""
    return (
        f"{host} is org {found}, but this connection belongs to org {bound}. "
        "Correct its `host` and `auth`, or make a new connection for the other org."
    )


def _org_of(content: Mapping[str, Any]) -> str | None:
    """The org that a token is for, from the identity address that comes with it: …/id/<org>/<user>."""
    steps = urlsplit(str(content.get("id") or "")).path.strip("/").split("/")
    return long_id(steps[1]) if len(steps) == 3 and steps[0] == "id" else None


def _date(answer: Answer) -> datetime | None:
    with contextlib.suppress(ValueError):
        date = parsedate_to_datetime(answer.headers.get("Date", ""))
        return date if date.tzinfo is not None else None
    return None
