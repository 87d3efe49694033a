"""Signs an app in with its refresh token. Access tokens live for half an hour and are renewed before they run out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from syncd.connectors.credentials import SENDABLE, SignedIn
from syncd.connectors.hubspot.paths import NEWEST, paths
from syncd.connectors.transport import retry_after
from syncd.connectors.wire import Answer, Timeouts, Wire
from syncd.errors import AuthFailed, Retry
from syncd.model import Clock, TokenVault

HOSTS = ("hubapi.com",)
BASE_URL = "https://api.hubapi.com"

_UNTOLD_LIFE = 1800.0

_REMEDIES = {
    "BAD_REFRESH_TOKEN": "The refresh token is wrong or was revoked: install the app in HubSpot again, and set the "
    "refresh token that this gives.",
    "BAD_CLIENT_ID": "The client id is wrong; copy it from the app's page in HubSpot.",
    "BAD_CLIENT_SECRET": "The client secret is wrong; copy it from the app's page in HubSpot.",
}
_REMEDIES["invalid_grant"] = _REMEDIES["BAD_REFRESH_TOKEN"]
_REMEDIES["invalid_client"] = _REMEDIES["BAD_CLIENT_SECRET"]


class HubSpotRefresh(SignedIn):
    """The refresh token flow of an OAuth app, installed in one portal.

    `expected_uid` is the portal that the connection is bound to: a token of another one is refused unused. Where an
    answer brings another refresh token, `vault` has it before the access token that came with it is used.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        vault: TokenVault,
        clock: Clock,
        *,
        base_url: str = BASE_URL,
        version: str = NEWEST,
        expected_uid: str | None = None,
        emulator: bool = False,
        timeouts: Timeouts | None = None,
        ca_file: str | None = None,
    ) -> None:
        super().__init__(clock)
        self._wire = Wire(base_url, hosts=HOSTS, emulator=emulator, timeouts=timeouts, ca_file=ca_file)
        self._path = paths(version).token
        self._client_id, self._client_secret = client_id, client_secret
        self._vault, self._expected = vault, expected_uid
        self.uid: str | None = None

    def close(self) -> None:
        """Close idle connections."""
        self._wire.close()

    def _obtain(self) -> str:
        with self._vault.held() as held:
            content = self._ask(held.value)
            following = content.get("refresh_token")
            if isinstance(following, str) and following and following != held.value:
                held.replace(following)
        self._same_portal(content.get("hub_id"))
        self._lasts(timedelta(seconds=_life(content.get("expires_in"))))
        return str(content["access_token"])

    def _ask(self, refresh_token: str) -> dict[str, Any]:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "refresh_token": refresh_token,
        }
        self.calls += 1
        answer = self._wire.send(
            "POST",
            self._path,
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            urlencode(form).encode(),
        )
        content = answer.json_or_none()
        content = content if isinstance(content, dict) else {}
        if answer.status in (423, 429, 477) or answer.status >= 500:
            raise Retry(f"Sign-in at {self._wire.host}: HTTP {answer.status}.", after=retry_after(answer))
        token = content.get("access_token")
        if answer.status != 200 or not isinstance(token, str) or not SENDABLE.match(token):
            raise AuthFailed(_refused(self._wire.host, answer, content))
        return content

    def _same_portal(self, hub_id: object) -> None:
        if hub_id is None:
            return
        self.uid = f"hubspot-{hub_id}"
        if self._expected is not None and self.uid != self._expected:
            raise AuthFailed(other_portal(self._expected, self.uid))


def other_portal(expected: str, found: str) -> str:
    """What to say when another portal answers than the one that the connection is bound to."""
    return (
        f"The token belongs to HubSpot portal {found.removeprefix('hubspot-')}, but this connection is bound to portal "
        f"{expected.removeprefix('hubspot-')}; nothing was read or written. Put back the token of that portal, or give "
        "the other portal a connection of its own."
    )


def _life(expires_in: object) -> float:
    return float(expires_in) if isinstance(expires_in, int | float) and expires_in > 0 else _UNTOLD_LIFE


def _refused(host: str, answer: Answer, content: dict[str, Any]) -> str:
    told = content.get("status") or content.get("error")
    code = told if isinstance(told, str) and told != "error" else str(content.get("category") or "")
    return f"{host} refused to sign us in: {code or f'HTTP {answer.status}'}. {_REMEDIES.get(code, '')}".rstrip()
