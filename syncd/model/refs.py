"""How a record is named across systems."""

from __future__ import annotations

from typing import NamedTuple


class Ref(NamedTuple):
    """One object in one system.

    `connection` is the connection's uid (bound to the org or portal at the first check, so that a renamed
    label in YAML changes nothing), `object` the system's own object name, `id` the system's own id.
    Written as `uid/object/id`.
    """

    connection: str
    object: str
    id: str

    def __str__(self) -> str:
        return f"{self.connection}/{self.object}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Read `uid/object/id` back. Raises ValueError when it is not of that form."""
        connection, object_, id_ = text.split("/", 2)
        return cls(connection, object_, id_)
