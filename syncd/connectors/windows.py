"""The window that a pull reads, against the server's clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from syncd.errors import Stop
from syncd.model import Window


def whole_seconds(moment: datetime | None) -> datetime:
    """The moment without its fraction, so that nothing later in that second counts as read."""
    if moment is None:
        raise Stop("The server does not say what time it is; no window can be opened.")
    return moment.replace(microsecond=0)


def in_the_past(window: Window, now: datetime | None, tolerance: timedelta) -> None:
    """Raise Stop when the window ends in the server's future: what comes until then would pass for read.

    Our own clock may have been set ahead since the server's was last heard. A little is covered by the overlap.
    """
    if now is not None and window.upper > now + tolerance:
        raise Stop(f"The window ends at {window.upper:%Y-%m-%d %H:%M:%S}Z, where the server's clock has not been yet.")
