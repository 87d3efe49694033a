"""The one port to the outside world: what every CRM and PRM connector promises, and nothing about how.

`tests/connectors/contract.py` holds each promise as a test that every connector passes, the memory twin included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from syncd.model import (
    Checked,
    ConnectorFacts,
    FieldWanted,
    HeartbeatWanted,
    Page,
    Provisioned,
    ReadSpec,
    Receipt,
    Row,
    Upsert,
    Window,
    Write,
)


class Connector(Protocol):
    """One CRM or PRM account.

    All times are aware UTC datetimes on the *server's* clock. Methods raise the errors of `syncd.errors`:
    Retry (ask again later), AuthFailed, QuotaExhausted, IncompleteRead, Stop, UserError (configuration).
    A connector translates vendor errors at its edge, because it alone knows them.
    """

    @property
    def facts(self) -> ConnectorFacts:
        """The facts about this system that change what jobs do."""
        ...

    @property
    def calls(self) -> int:
        """How many API calls this connector has made so far, sign-in included."""
        ...

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """Find out who answers and whether every object and field of `specs` can be read, and every field of
        `writable` (native object -> native fields) written. Missing ones are problems in the result, not errors.
        """
        ...

    def now(self) -> datetime:
        """The server's clock, from its newest answer; asks once if there was none yet."""
        ...

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Every record whose stamp lies in the window, deleted ones included where the system reports them,
        in pages, going on after `position` if one is given.

        The window may end in the future: then it is open towards what comes while it is read. A row may come twice;
        order within a page is not trusted. The page with `last` comes only when as many
        rows were read as the server counts, otherwise IncompleteRead is raised after the pages that were read.
        An empty window yields one empty last page.
        """
        ...

    def sweep(self, spec: ReadSpec, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Every record that there is, whatever its stamp, from the system's own store and never from an index.

        Deleted ones come as deleted rows where the system still knows them. Counted, resumed and closed by a `last`
        page as in `pull`. What cannot be seen by any cursor (formulas, associations, lost changes) is found by this.
        """
        ...

    def count(self, spec: ReadSpec) -> int | None:
        """How many records, not deleted, there are for this specification now; None where the system cannot tell."""
        ...

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """The present state of these records, read by id and never through a search index, in any order.

        An id that is gone comes as a deleted row with `merged_into` where known, or is left out when the
        system says nothing about it.
        """
        ...

    def upsert(self, object: str, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """Make records exist that a unique native field names; exactly one receipt per row, in the order of `rows`.

        The only way in which anything is created, because it can be said twice without doing it twice. Otherwise as
        `write`. Raises UserError where the system has no unique field of that name, or creates nothing for us.
        """
        ...

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """Change records of one native object; exactly one receipt per write, in the order of `writes`.

        Nothing is created. One refused row never spoils the others. A call whose answer was lost gives
        `unknown` receipts. Never retries by itself after a write may have reached the server.
        """
        ...

    def provision(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """How the fields that syncd writes are found, each with its remedy; with `make`, what is missing is made first.

        May be said twice: what is there is left as it is. Nothing is made while anything is unfit, or left to a person;
        nothing is ever dropped or narrowed. A system that syncd defines no fields in tells what to do by hand.
        """
        ...
