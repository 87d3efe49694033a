"""Ports: what the rooms need from outside, said as protocols so that tests and production can differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from syncd.model.refs import Ref


class Clock(Protocol):
    """The one source of time; tests and emulators share it, so waiting costs nothing."""

    def now(self) -> datetime:
        """The present, an aware datetime in UTC."""
        ...

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class Candidates(Protocol):
    """Finds, for the keys of one record, the records that may mean the same organization."""

    def find(self, keys: Sequence[str], exclude: Ref, limit: int) -> Iterable[tuple[Ref, float]]:
        """The best `limit` records sharing keys, with the summed rarity (bits) of the shared keys, best first."""
        ...


class Credentials(Protocol):
    """Holds a connection's access token and renews it, one renewal at a time."""

    def token(self) -> str:
        """A token believed to be valid. Raises AuthFailed."""
        ...

    def renew(self, stale: str) -> str:
        """A token other than `stale`; does nothing if another thread has renewed it already. Raises AuthFailed."""
        ...


class TokenVault(Protocol):
    """Keeps a refresh token that changes when it is used. Nobody else uses it while it is held."""

    def held(self) -> AbstractContextManager[HeldToken]:
        """The token for as long as the context lasts. Raises AuthFailed when there is none or it cannot be read."""
        ...


class HeldToken(Protocol):
    """A refresh token under its lock."""

    @property
    def value(self) -> str:
        """The token as it is now."""
        ...

    def replace(self, value: str) -> None:
        """Keep another one from now on; it is safe on disk when this returns."""
        ...


class Budget(Protocol):
    """Shares API calls between everything that calls one system."""

    def take(self, kind: str, calls: int = 1) -> None:
        """Wait until `calls` of `kind` may be made. Raises QuotaExhausted when the daily share is used up."""
        ...

    def correct(self, kind: str, remaining: int | None, retry_after: float | None, maximum: int | None = None) -> None:
        """Tell what the server said about the limit, so that everybody slows down together.

        `maximum` is what the whole of it is for everybody, such as the org's calls of a day.
        """
        ...
