"""The server's clock, as far as a window may trust it."""

from __future__ import annotations

from datetime import datetime

from syncd.errors import Stop


def whole_seconds(moment: datetime | None) -> datetime:
    """The moment without its fraction, so that nothing later in that second counts as read."""
    if moment is None:
        raise Stop("The server does not say what time it is; no window can be opened.")
    return moment.replace(microsecond=0)
