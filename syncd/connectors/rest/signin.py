"""The ways of signing in to a described API: a token, a user and a password, a key in a header, client credentials."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import urlencode

from syncd.connectors.credentials import SENDABLE, SignedIn, StaticToken
from syncd.connectors.rest.description import TokenEndpoint
from syncd.connectors.wire import Wire
from syncd.errors import AuthFailed, Retry, UserError
from syncd.model import Clock, Credentials
from syncd.settings import Basic, ClientCredentials, HeaderKey, Token

Authorize = Callable[[str], Mapping[str, str]]


def signing_in(auth: object, endpoint: TokenEndpoint | None, wire: Wire, clock: Clock) -> tuple[Credentials, Authorize]:
    """What holds the secret, and how it is sent. Raises UserError."""
    if isinstance(auth, Basic):
        pair = f"{auth.username.reveal()}:{auth.password.reveal()}".encode()
        return StaticToken(base64.b64encode(pair).decode()), lambda token: {"Authorization": f"Basic {token}"}
    if isinstance(auth, HeaderKey):
        return StaticToken(auth.key.reveal()), lambda token: {auth.header: token}
    if isinstance(auth, Token):
        return StaticToken(auth.token.reveal()), bearer
    if not isinstance(auth, ClientCredentials):
        raise UserError("A described API signs in with token, basic, header or client_credentials; correct `flow`.")
    if endpoint is None:
        raise UserError("`flow: client_credentials` needs `token: {path: ...}` in the description of the API.")
    return ClientSignIn(auth.client_id.reveal(), auth.client_secret.reveal(), endpoint, wire, clock), bearer


def bearer(token: str) -> Mapping[str, str]:
    """The header of an OAuth token."""
    return {"Authorization": f"Bearer {token}"}


class ClientSignIn(SignedIn):
    """OAuth client credentials, at the API's own host."""

    def __init__(self, client_id: str, client_secret: str, endpoint: TokenEndpoint, wire: Wire, clock: Clock) -> None:
        super().__init__(clock)
        self._client_id, self._client_secret, self._endpoint, self._wire = client_id, client_secret, endpoint, wire

    def _obtain(self) -> str:
        form = {"grant_type": "client_credentials"}
        if self._endpoint.scope:
            form["scope"] = self._endpoint.scope
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._endpoint.client == "basic":
            pair = f"{self._client_id}:{self._client_secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        self.calls += 1
        answer = self._wire.send("POST", self._endpoint.path, headers, urlencode(form).encode())
        if answer.status >= 500 or answer.status == 429:
            raise Retry(f"Sign-in at {self._wire.host}: HTTP {answer.status}.")
        content = answer.json_or_none()
        token = content.get("access_token") if isinstance(content, dict) else None
        if answer.status != 200 or not isinstance(token, str) or not SENDABLE.match(token):
            raise AuthFailed(
                f"{self._wire.host} refused to sign us in: HTTP {answer.status}. Check the client's secret."
            )
        life = content.get("expires_in")
        if isinstance(life, int) and life > 0:
            self._lasts(timedelta(seconds=life))
        return token
