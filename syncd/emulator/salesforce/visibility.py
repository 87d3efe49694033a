"""The god view's part for what clients see: rights, sharing, field history, late commits, bulk queries that fail."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.emulator.salesforce.access import FieldRights, Level, Sharing
from syncd.emulator.salesforce.people import Naming


class Visibility(Naming):
    """Who sees what. `user` is a username or id; without one, the integration user is meant."""

    def set_sharing(self, object: str, sharing: Sharing = "private", view_all: bool = False) -> None:
        """Set the org-wide default of an object: public, public_read or private.

        View All and Modify All stand above sharing, so that they are taken from the integration user with it, unless
        `view_all` is true.
        """
        with self._lock:
            name = self._object(object).name
            self._org.access.set_sharing(name, sharing)
            if sharing != "public" and not view_all:
                self._org.access.set_object(self._org.integration_user, name, view_all=False, modify_all=False)

    def share(self, object: str, id: str | Sequence[str], user: str | None = None, level: Level = "read") -> None:
        """Share one or several records with a user, to read or to edit."""
        with self._lock:
            ids = [self._id(object, one) for one in ([id] if isinstance(id, str) else id)]
            self._org.access.share(self._user(user), self._object(object).name, ids, level)

    def unshare(self, object: str, id: str | Sequence[str], user: str | None = None) -> None:
        """Take shares of records back."""
        with self._lock:
            ids = [self._id(object, one) for one in ([id] if isinstance(id, str) else id)]
            self._org.access.share(self._user(user), self._object(object).name, ids, None)

    def share_fraction(self, object: str, fraction: float, user: str | None = None) -> None:
        """Share a part of an object's records, 0 to 1, to read; which records follows from the seed."""
        with self._lock:
            if not 0 <= fraction <= 1:
                raise ValueError(f"a fraction is 0 to 1, not {fraction:g}")
            self._org.access.share_sample(self._user(user), self._object(object).name, fraction)

    def set_object_access(
        self, object: str, readable: bool | None = None, editable: bool | None = None, view_all: bool | None = None,
        modify_all: bool | None = None, user: str | None = None,
    ) -> None:  # fmt: skip
        """Change a user's rights on an object; what is not named stays. Without View All there is no Modify All."""
        with self._lock:
            modify_all = False if view_all is False else modify_all
            self._org.access.set_object(
                self._user(user), self._object(object).name, readable=readable, editable=editable, view_all=view_all,
                modify_all=modify_all,
            )  # fmt: skip

    def set_field_access(
        self, object: str, field: str, readable: bool = True, editable: bool = True, user: str | None = None
    ) -> None:
        """Set a user's rights on a field; one that may not be read may not be written either."""
        with self._lock:
            rights = FieldRights(readable, editable and readable)
            name, found = self._object(object).name, self._field(object, field)
            self._org.access.set_field(self._user(user), name, found.name, rights)

    def _user(self, user: str | None) -> str:
        return self._org.integration_user if user is None else self._org.person(user).id


class Background(Naming):
    """What goes on behind the requests: history, transactions that commit late, bulk jobs that fail."""

    def track_history(self, object: str, fields: Sequence[str]) -> None:
        """Keep the field history of these fields of an object and of no others."""
        with self._lock:
            self._org.history.track(self._object(object).name, [self._field(object, one).name for one in fields])
            self._org.schema_changed = self._org.clock.now()

    def hold_commits(self, seconds: float = 600) -> str:
        """Open a transaction; returns its handle.

        What is written with `edit`, `insert` or `delete` and this handle as `transaction` has its stamp at once and is
        seen when the transaction is committed: by `commit`, or by itself after so many seconds, 600 at most.
        """
        with self._lock:
            return self._org.commits.open(seconds)

    def commit(self, transaction: str) -> None:
        """Commit an open transaction."""
        with self._lock:
            self._org.commits.commit(transaction)

    def roll_back(self, transaction: str) -> None:
        """Undo an open transaction."""
        with self._lock:
            self._org.commits.roll_back(transaction)

    def delay_commits(self, share: float, seconds: float = 600) -> None:
        """From now on let a share of the edits by people, 0 to 1, commit up to so many seconds late."""
        with self._lock:
            self._org.commits.delay(share, seconds)

    def fail_query_jobs(self, message: str, times: int = 1) -> None:
        """Let the next bulk query jobs to run end as Failed with this message."""
        with self._lock:
            self._org.failing_query_jobs += [message] * times
