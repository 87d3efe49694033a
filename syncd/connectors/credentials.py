"""Access tokens: held in one place, renewed once for everybody, and never shown in a repr, an error or a log.

How each vendor signs in is told in `salesforce/signin.py` and `hubspot/signin.py`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from threading import Lock

from syncd.errors import AuthFailed, Retry, UserError
from syncd.model import Clock

_EARLY = 0.75
_AGAIN = timedelta(minutes=1)
_MOST_REFUSALS = 2
_REST = timedelta(hours=1)

# http.client shows a header that it cannot send in its error: a token with a line break would end up in a log
SENDABLE = re.compile(r"[\x21-\x7e]+\Z")


class StaticToken:
    """A token that does not change: a HubSpot private app or service key."""

    calls = 0

    def __init__(self, token: str) -> None:
        if not SENDABLE.match(token):
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
    """A token that has to be fetched; threads that want one together cause one sign-in, and share its failure.

    A token whose life is known is renewed when three quarters of it are over, so that it seldom ends in the middle of a
    run. A sign-in that was refused is tried once more, then rests for an hour: each attempt is logged over there, and
    some users are locked out who fail too often. Without a clock a token lives until it is refused.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._lock = Lock()
        self._clock = clock
        self._token: str | None = None
        self._due: datetime | None = None
        self._attempts = self._refusals = 0
        self._refusal: AuthFailed | None = None
        self._rests_until: datetime | None = None
        self.calls = 0

    @abstractmethod
    def _obtain(self) -> str:
        """Sign in once. Raises AuthFailed or Retry."""

    def _lasts(self, life: timedelta) -> None:
        """Told by `_obtain`: how long the token that it returns may be used."""
        self._due = self._clock.now() + life * _EARLY if self._clock is not None else None

    def token(self) -> str:
        """The present token, fetched if there is none. Raises AuthFailed."""
        token = self._token
        if token is None:
            return self.renew("")
        return self._renewed_early(token) if self._is_due() else token

    def renew(self, stale: str) -> str:
        """A token other than `stale`. Raises AuthFailed."""
        attempts = self._attempts
        with self._lock:
            if self._token is not None and self._token != stale:
                return self._token
            if self._attempts != attempts and self._refusal is not None:
                # somebody tried while we waited; trying again would only lock the user out
                raise AuthFailed(str(self._refusal))
            self._token = None
            return self._sign_in()

    def _is_due(self) -> bool:
        return self._clock is not None and self._due is not None and self._clock.now() >= self._due

    def _renewed_early(self, token: str) -> str:
        """A fresh token, or this one if the other side is away: it may still be good, and a 401 will tell."""
        with self._lock:
            if self._token is not None and not self._is_due():
                return self._token
            try:
                return self._sign_in()
            except Retry:
                self._due = self._clock.now() + _AGAIN if self._clock is not None else None
                self._token = token
                return token

    def _sign_in(self) -> str:
        if self._refusal is not None and self._refusals >= _MOST_REFUSALS and self._rests():
            raise AuthFailed(str(self._refusal))
        self._due = None  # until then others go on with the old token instead of waiting
        try:
            self._token = self._obtain()
        except AuthFailed as refusal:
            self._token, self._refusal, self._refusals = None, refusal, self._refusals + 1
            self._rests_until = self._clock.now() + _REST if self._clock is not None else None
            raise
        finally:
            self._attempts += 1
        self._refusal, self._refusals = None, 0
        return self._token

    def _rests(self) -> bool:
        return self._clock is None or self._rests_until is None or self._clock.now() < self._rests_until

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"
