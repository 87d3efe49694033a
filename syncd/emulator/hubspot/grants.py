"""What a token may do, for which app and for how long; static tokens, and OAuth with refresh and revocation."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from syncd.emulator.hubspot.authors import APP_ID

EVERYTHING, READING = frozenset({"*"}), frozenset({"*.read"})
LIFETIME = timedelta(minutes=30)
OAUTH_APP = "8675310"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one token carries; a scope may hold `*`. `user` is the person that an OAuth token acts for."""

    name: str
    app: str = APP_ID
    scopes: frozenset[str] = EVERYTHING
    oauth: bool = False
    user: str = ""
    expires: datetime | None = None

    def allows(self, alternatives: Iterable[str]) -> bool:
        """Whether any of these scopes was granted."""
        return any(fnmatchcase(scope, granted) for scope in alternatives for granted in self.scopes)


DEVELOPER = Grant("developer", APP_ID, frozenset({"developers-read", "developers-write"}))


class WrongClient(Exception):
    """A client id or secret that the app does not have."""


class WrongToken(Exception):
    """A refresh token or code that is not, or no longer, valid."""


class Tokens:
    """The tokens of one portal; those valid from the start follow from the seed."""

    def __init__(self, seed: int) -> None:
        source = random.Random(f"hubspot {seed}")  # noqa: S311 (a seed, not a secret)
        self.access_token, self.limited_access_token = (
            f"pat-na1-{source.getrandbits(32):08x}-{source.getrandbits(64):016x}" for _ in range(2)
        )
        self._random = random.Random(f"hubspot oauth {seed}")  # noqa: S311 (a seed, not a secret)
        self.client_id, self.client_secret, self.developer_key = self._word(36), self._word(36), self._word(36)
        self.valid = {
            self.access_token: Grant("integration"),
            self.limited_access_token: Grant("limited", "8675311", READING),
        }
        self.refresh: dict[str, Grant] = {}
        self.codes: dict[str, Grant] = {}
        self.refresh_token = self.install(["*"], "oauth", "")

    # --- static tokens

    def add(self, name: str, scopes: Iterable[str]) -> str:
        """A new private app or service key with exactly these scopes; returns its token."""
        token = f"pat-na1-{self._random.getrandbits(32):08x}-{self._random.getrandbits(64):016x}"
        app = str(8_700_000 + len(self.valid))
        self.valid[token] = Grant(name, app, frozenset(scopes))
        return token

    def revoke(self, token: str) -> bool:
        """Make an access or refresh token worthless, a refresh token with what it bought; False if unknown."""
        gone = self.refresh.pop(token, None)
        if gone is not None:
            self.valid = {key: grant for key, grant in self.valid.items() if replace(grant, expires=None) != gone}
        return self.valid.pop(token, None) is not None or gone is not None

    def find(self, header: str) -> Grant | None:
        """The grant of an Authorization header: exactly one space after exactly `Bearer`."""
        return self.valid.get(header.removeprefix("Bearer ")) if header.startswith("Bearer ") else None

    def developer(self, key: str) -> Grant | None:
        """The grant of a developer API key, which is for setting an app up."""
        return DEVELOPER if key == self.developer_key else None

    # --- OAuth

    def install(self, scopes: Iterable[str], name: str, user: str) -> str:
        """A person installs the OAuth app; returns the refresh token that it gets."""
        token = self._word(self._random.randint(36, 340))
        self.refresh[token] = Grant(name, OAUTH_APP, frozenset(scopes), True, user)
        return token

    def authorize(self, scopes: Iterable[str], user: str) -> str:
        """A person consents; returns the code that the app exchanges once."""
        code = self._word(36)
        self.codes[code] = Grant("oauth", OAUTH_APP, frozenset(scopes), True, user)
        return code

    def check_client(self, client_id: str, client_secret: str) -> None:
        """Raises WrongClient unless id and secret are those of the app."""
        if (client_id, client_secret) != (self.client_id, self.client_secret):
            raise WrongClient

    def exchange(self, code: str, now: datetime) -> tuple[str, str, Grant]:
        """Access and refresh token for a code, once; raises WrongToken."""
        grant = self.codes.pop(code, None)
        if grant is None:
            raise WrongToken
        refresh = self._word(self._random.randint(36, 340))
        self.refresh[refresh] = grant
        return self.issue(grant, now), refresh, grant

    def renew(self, refresh: str, now: datetime, rotate: bool) -> tuple[str, str, Grant]:
        """An access token for a refresh token, which may be replaced; raises WrongToken."""
        grant = self.refresh.get(refresh)
        if grant is None:
            raise WrongToken
        if rotate:
            del self.refresh[refresh]
            refresh = self._word(self._random.randint(36, 340))
            self.refresh[refresh] = grant
        return self.issue(grant, now), refresh, grant

    def issue(self, grant: Grant, now: datetime) -> str:
        """An access token of half an hour; its length varies, as the vendor warns."""
        token = self._word(self._random.randint(120, 420))
        self.valid[token] = replace(grant, expires=now + LIFETIME)
        return token

    def expire(self, token: str, now: datetime) -> bool:
        """Let an access token run out; False if it is unknown."""
        if token in self.valid:
            self.valid[token] = replace(self.valid[token], expires=now)
        return token in self.valid

    def _word(self, length: int) -> str:
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
        return "".join(self._random.choice(letters) for _ in range(length))
