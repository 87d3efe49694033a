"""What every part of the god view needs: the lock, what is due, object types by name, people by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.hubspot.authors import Author
from syncd.emulator.hubspot.board import NotFound
from syncd.emulator.hubspot.definitions import NoSuch, Taken
from syncd.emulator.hubspot.errors import Missing, Rejected
from syncd.emulator.hubspot.grants import Tokens
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.table import Row


class Hands:
    """A portal in somebody's hands."""

    _portal: Portal
    _tokens: Tokens
    _lock: RLock

    @contextmanager
    def _at_work(self) -> Iterator[Portal]:
        """The portal behind the lock of the servers, everything that is due done; refusals as EmulatorRefusal."""
        with self._lock:
            self._portal.settle()
            try:
                yield self._portal
            except Rejected as error:
                raise EmulatorRefusal(error.category, error.message) from error
            except Missing as error:
                raise EmulatorRefusal("OBJECT_NOT_FOUND", f"no record {error.id}") from error
            except (NotFound, NoSuch) as error:
                raise EmulatorRefusal("OBJECT_NOT_FOUND", f"there is no {error}") from error
            except Taken as error:
                raise EmulatorRefusal("OBJECT_ALREADY_EXISTS", str(error)) from error

    def _type(self, name: str) -> ObjectType:
        kind = self._portal.types.find(name)
        if kind is None:
            known = ", ".join(self._portal.types.all)
            raise EmulatorRefusal("INVALID_TYPE", f"no object type {name!r}; known: {known}")
        return kind

    def _any(self, kind: ObjectType, id_: str) -> Row:
        """A record, archived or not; raises Missing."""
        row = self._portal.tables[kind.name].rows.get(id_)
        return row if row is not None else self._portal.find(kind, id_)

    def _person(self, user: str | None) -> Author:
        """An owner by id, user id or email; without one, the first active owner."""
        for owner in self._portal.owners.values():
            if user in (owner.id, owner.user_id, owner.email) if user else not owner.archived:
                return Author(owner.email, owner.user_id or owner.id, None, "CRM_UI")
        raise EmulatorRefusal("OBJECT_NOT_FOUND", f"no owner {user!r}")
