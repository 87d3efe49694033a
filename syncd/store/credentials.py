"""Refresh tokens that change with their use: kept encrypted, used by one at a time, on disk before they are used.

Each is encrypted with AES-256-GCM for its connection alone: a row that is copied to another connection cannot be read.
The lock is a lease row: no transaction is open while the other side is asked, and two daemons never ask at once.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from syncd.errors import AuthFailed, Retry
from syncd.model import Clock
from syncd.store import leases
from syncd.store.database import Store
from syncd.store.leases import Lease
from syncd.store.tables import credential

if TYPE_CHECKING:  # loaded where it is needed: a person's quick command never is
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HELD_SECONDS = 660
"""How long somebody who died with the lock keeps the others waiting; longer than any answer takes."""
_PATIENCE_SECONDS = 30.0
_ASK_AGAIN_SECONDS = 0.5
_NONCE = 12


class Vault:
    """The refresh token of one connection: the one that the settings give, or what it has become since.

    Another token in the settings takes the place of the kept one. `bound_to` is what the token is good for beside the
    connection's name, such as the host and the client id; `key` is the secret with which it is encrypted.
    """

    def __init__(self, store: Store, clock: Clock, *, name: str, bound_to: str, given: str, key: str) -> None:
        self._store, self._clock, self._name, self._given = store, clock, name, given
        self._bound_to = f"syncd refresh token\n{name}\n{bound_to}".encode()
        self._key = key.encode()
        self._ready = False

    @contextmanager
    def held(self) -> Iterator[Held]:
        """The token for as long as the context lasts. Raises AuthFailed when it cannot be read, Retry while it is held.

        The state database is made where there is none yet: a token that changes has to be kept somewhere.
        """
        self._prepare()
        lease = self._take()
        try:
            with self._store.read() as tx:
                kept = self._kept(tx)
            yield Held(self, self._open(kept), kept)
        finally:
            with self._store.append() as tx:
                leases.release(tx, lease)

    def keep(self, value: str, before: bytes | None) -> bytes:
        """Encrypt and commit; returns what is stored. Raises Retry when somebody else kept another one meanwhile."""
        sealed = self._seal(value)
        values = {"sealed": sealed, "began_with": self._began_with(), "changed_at": self._clock.now()}
        with self._store.append() as tx:
            if before is None:
                tx.execute(credential.delete().where(credential.c.name == self._name))
                tx.execute(credential.insert().values(name=self._name, **values))
                return sealed
            same = credential.c.name == self._name, credential.c.sealed == before
            if tx.execute(credential.update().where(*same).values(**values)).rowcount != 1:
                raise Retry(f"The refresh token of {self._name} was changed by another process.")
        return sealed

    def __repr__(self) -> str:
        return f"Vault({self._name!r}, …)"

    # --- inside

    def _prepare(self) -> None:
        if not self._ready:
            if self._store.revision() is None:
                self._store.upgrade()
            self._store.require_schema()
            self._ready = True

    def _take(self) -> Lease:
        holder, waited = f"{os.getpid()}:{secrets.token_hex(4)}", 0.0
        while True:
            with self._store.append() as tx:
                lease = leases.take(tx, f"credential:{self._name}", holder, seconds=HELD_SECONDS)
            if lease is not None:
                return lease
            if waited >= _PATIENCE_SECONDS:
                raise Retry(f"Another process is renewing the sign-in of {self._name}.")
            self._clock.wait(_ASK_AGAIN_SECONDS)
            waited += _ASK_AGAIN_SECONDS

    def _kept(self, tx: sa.Connection) -> bytes | None:
        """The encrypted token, None where there is none that began with the token of the settings."""
        query = sa.select(credential.c.sealed, credential.c.began_with).where(credential.c.name == self._name)
        row = tx.execute(query).one_or_none()
        return bytes(row.sealed) if row is not None and bytes(row.began_with) == self._began_with() else None

    def _began_with(self) -> bytes:
        return hashlib.sha256(self._bound_to + b"\n" + self._given.encode()).digest()

    def _open(self, sealed: bytes | None) -> str:
        from cryptography.exceptions import InvalidTag

        if sealed is None:
            return self._given
        try:
            return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], self._bound_to).decode()
        except InvalidTag:
            raise AuthFailed(
                f"The kept refresh token of {self._name} cannot be read with `credentials.key`. Put back the key with "
                "which it was kept; if that is lost, authorize the app again and set the new refresh token."
            ) from None

    def _seal(self, value: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher().encrypt(nonce, value.encode(), self._bound_to)

    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return AESGCM(HKDF(SHA256(), 32, None, b"syncd credentials").derive(self._key))


class Held:
    """A refresh token under its lock."""

    def __init__(self, vault: Vault, value: str, sealed: bytes | None) -> None:
        self._vault, self._value, self._sealed = vault, value, sealed

    @property
    def value(self) -> str:
        """The token as it is now."""
        return self._value

    def replace(self, value: str) -> None:
        """Keep another one from now on; it is safe on disk when this returns. Raises Retry."""
        self._sealed = self._vault.keep(value, self._sealed)
        self._value = value

    def __repr__(self) -> str:
        return "Held(…)"
