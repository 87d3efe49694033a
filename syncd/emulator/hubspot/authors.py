"""Who writes to the portal: an app, a person, an import, a workflow or HubSpot itself, as histories name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from syncd.emulator.hubspot.history import Entry
from syncd.emulator.log import Actor

Source = Literal["INTEGRATION", "CRM_UI", "IMPORT", "AUTOMATION", "CALCULATED", "MERGE_OBJECTS"]
APP_ID = "8675309"


@dataclass(frozen=True, slots=True)
class Author(Actor):
    """An actor with the `sourceType` that property histories and webhooks give it.

    `version` is the API version of the request; `user_level` says that a token acts for a person (OAuth).
    """

    source: Source = "INTEGRATION"
    version: str = ""
    user_level: bool = False

    @property
    def source_id(self) -> str:
        """The `sourceId` of histories and webhooks."""
        return f"userId:{self.id}" if self.source == "CRM_UI" else self.id

    def entry(self, value: str | None, stamp: str) -> Entry:
        """The history entry of a value that this author wrote."""
        user = int(self.id) if self.source == "CRM_UI" and self.id.isdigit() else None
        return Entry(value, stamp, self.source, self.source_id, user)


HUBSPOT = Author("calculated", "", None, "CALCULATED")
MERGE = Author("merge", "", None, "MERGE_OBJECTS")


def workflow(number: int) -> Author:
    """A workflow of the portal."""
    return Author(f"workflow {number}", f"workflowId:{number}", None, "AUTOMATION")


def importer(number: int) -> Author:
    """An import of a file."""
    return Author(f"import {number}", f"importId:{number}", None, "IMPORT")
